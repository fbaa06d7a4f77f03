//! Spend that other gateways report, or ask for first.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Spend that other gateways report, or ask for first, each call authorized.
    ExternalUsage
}
