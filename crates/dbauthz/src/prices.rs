//! Prices of models that this deployment sets itself.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Prices of models that this deployment sets itself, each call authorized.
    Prices
}
