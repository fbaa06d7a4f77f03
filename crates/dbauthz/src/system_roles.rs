//! The roles that come with being a member, as every organization keeps them.

use crate::{rules::Rule, units::wrapper};

pub(crate) const RULES: &[Rule] = &[];

wrapper! {
    /// The roles that come with being a member, as every organization keeps them, each call authorized.
    SystemRoles
}
