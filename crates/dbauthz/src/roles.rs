//! Custom roles of an organization.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// Custom roles of an organization, each call authorized.
    Roles
}
