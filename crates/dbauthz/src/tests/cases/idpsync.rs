//! Calls and checks of idpsync.

use super::Case;

pub(super) fn idpsync() -> Vec<Case> {
    Vec::new()
}
