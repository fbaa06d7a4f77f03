//! Calls and checks of alerts.

use super::Case;

pub(super) fn alerts() -> Vec<Case> {
    Vec::new()
}
