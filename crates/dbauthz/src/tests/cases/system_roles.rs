//! Calls and checks of system roles.

use super::Case;

pub(super) fn system_roles() -> Vec<Case> {
    Vec::new()
}
