//! How an identity provider's claims become organizations, groups and roles.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// How an identity provider's claims become organizations, groups and roles, each call authorized.
    Idpsync
}
