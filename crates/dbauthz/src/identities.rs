//! Accounts at an identity provider, and sign-ins under way there.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Accounts at an identity provider, and sign-ins under way there, each call authorized.
    Identities
}
