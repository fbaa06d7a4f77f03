//! Calls and checks of webhooks.

use super::Case;

pub(super) fn webhooks() -> Vec<Case> {
    Vec::new()
}
