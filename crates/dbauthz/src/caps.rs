//! Caps of what people, and everybody together, may spend.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Caps of what people, and everybody together, may spend, each call authorized.
    Caps
}
