//! Calls and checks of external usage.

use super::Case;

pub(super) fn external_usage() -> Vec<Case> {
    Vec::new()
}
