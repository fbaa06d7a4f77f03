//! Workspaces: the shared folders of a team's AI work.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Workspaces: the shared folders of a team's AI work, each call authorized.
    Workspaces
}
