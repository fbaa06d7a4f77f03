//! Calls and checks of notifications.

use super::Case;

pub(super) fn notifications() -> Vec<Case> {
    Vec::new()
}
