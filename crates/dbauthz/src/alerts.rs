//! Alerts: who must be told that spend has come to a threshold of a limit.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Alerts: who must be told that spend has come to a threshold of a limit, each call authorized.
    Alerts
}
