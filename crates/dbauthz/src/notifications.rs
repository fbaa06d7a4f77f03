//! Messages to people: the inbox.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Messages to people: the inbox, each call authorized.
    Notifications
}
