//! Where messages are sent to besides the inbox, and what is still to be sent.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Where messages are sent to besides the inbox, and what is still to be sent, each call authorized.
    Webhooks
}
