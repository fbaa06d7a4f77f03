//! What a synchronization did, and what it passed over.

use std::fmt;

use crate::{GroupId, OrganizationId, idpsync::Unreadable};

/// What a setting decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyncKind {
    /// Which organizations a person is in.
    Organization,
    /// Which groups of an organization a person is in.
    Groups,
    /// Which roles a person holds in an organization.
    Roles,
}

impl SyncKind {
    /// The word for it, in tables and addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Groups => "groups",
            Self::Roles => "roles",
        }
    }
}

impl fmt::Display for SyncKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that a synchronization passed over; everything else was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncWarning {
    /// The claim cannot be read, so that nothing of this kind changes.
    #[error("the claim `{field}` {why}: the {kind} of the person stay as they are")]
    Unreadable {
        /// What it would have decided.
        kind: SyncKind,
        /// The claim.
        field: String,
        /// What is wrong with it.
        why: Unreadable,
    },
    /// The provider sent no such claim. It counts as an empty one.
    #[error("the claim `{field}` is absent, which counts as no {kind}")]
    Absent {
        /// What it decides.
        kind: SyncKind,
        /// The claim.
        field: String,
    },
    /// The mapping names an organization that does not exist.
    #[error("the mapping names the organization `{0}`, which does not exist")]
    UnknownOrganization(OrganizationId),
    /// The mapping names a group that the organization does not have.
    #[error("the mapping names the group `{0}`, which the organization does not have")]
    UnknownGroup(GroupId),
    /// A group is missing, and the claim's value can be no group's name.
    #[error("`{0}` can be no group's name")]
    GroupName(String),
    /// The claims take somebody out of an organization who holds a role there that the setting may not take.
    #[error(
        "the person stays in the organization `{0}`: they hold a role that the setting's writer may not take"
    )]
    KeptMembership(OrganizationId),
    /// The claims take a role that the setting may not take.
    #[error("the person keeps the role `{0}`, which the setting's writer may not take")]
    KeptRole(String),
    /// The mapping names a role that the organization does not have.
    #[error("the mapping names the role `{0}`, which the organization does not have")]
    UnknownRole(String),
}

/// What a synchronization of one person did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentitySyncReport {
    /// Organizations that the person was added to.
    pub joined: Vec<OrganizationId>,
    /// Organizations that the person was removed from.
    pub left: Vec<OrganizationId>,
    /// How many groups were made.
    pub groups_created: u64,
    /// Groups that the person was added to, new ones included.
    pub groups_joined: u64,
    /// Groups that the person was removed from, in organizations that the person stays in.
    pub groups_left: u64,
    /// Organizations in which the person's roles changed.
    pub roles_changed: u64,
    /// What was passed over.
    pub warnings: Vec<SyncWarning>,
}

impl IdentitySyncReport {
    /// Whether anything was written.
    #[must_use]
    pub const fn changed(&self) -> bool {
        !(self.joined.is_empty()
            && self.left.is_empty()
            && self.groups_created == 0
            && self.groups_joined == 0
            && self.groups_left == 0
            && self.roles_changed == 0)
    }
}
