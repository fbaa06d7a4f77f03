//! Spend that other gateways report, or ask for first.
