//! Calls and checks of identities.

use super::Case;

pub(super) fn identities() -> Vec<Case> {
    Vec::new()
}
