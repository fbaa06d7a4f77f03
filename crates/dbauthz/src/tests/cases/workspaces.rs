//! Calls and checks of workspaces.

use super::Case;

pub(super) fn workspaces() -> Vec<Case> {
    Vec::new()
}
