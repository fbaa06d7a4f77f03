//! Calls and checks of roles.

use super::Case;

pub(super) fn roles() -> Vec<Case> {
    Vec::new()
}
