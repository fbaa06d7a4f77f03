//! Calls and checks of prices.

use super::Case;

pub(super) fn prices() -> Vec<Case> {
    Vec::new()
}
