//! Calls and checks of feature flags.

use super::Case;

pub(super) fn feature_flags() -> Vec<Case> {
    Vec::new()
}
