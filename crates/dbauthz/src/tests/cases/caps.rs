//! Calls and checks of caps.

use super::Case;

pub(super) fn caps() -> Vec<Case> {
    Vec::new()
}
