//! Prices of models that this deployment sets itself.
