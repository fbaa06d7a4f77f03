//! Calls and checks of spend reports.

use super::Case;

pub(super) fn spend_reports() -> Vec<Case> {
    Vec::new()
}
