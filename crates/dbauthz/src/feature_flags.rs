//! Features that are switched on and off while the servers run.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Features that are switched on and off while the servers run, each call authorized.
    FeatureFlags
}
