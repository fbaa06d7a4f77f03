//! Reports of what people and groups spent.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Reports of what people and groups spent, each call authorized.
    SpendReports
}
