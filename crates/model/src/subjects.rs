//! What a person's rights are made of, and the versions that tell whether it changed.

use rbac::{OrgPermissions, ShareableOwners};

use crate::{
    GroupId, Name, OrganizationId, UserId, system_roles::StoredSystemRole, users::UserStatus,
};

/// How often something changed that decides what a person may do. Equal versions mean the same roles,
/// memberships and groups; the database raises them with every change, in its transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubjectVersions {
    /// Of the person: status, kind of account, site roles, memberships with their roles, groups.
    pub user: i64,
    /// Of each organization that the person is in, by id: its settings, its default roles, and its custom and
    /// system roles with what they hold.
    pub organizations: Vec<(OrganizationId, i64)>,
}

/// Whether somebody may act, and whether what they may do has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectStanding {
    /// Who it is.
    pub user_id: UserId,
    /// The unique name.
    pub username: Name,
    /// Whether the person may act.
    pub status: UserStatus,
    /// Whether what the person may do has changed.
    pub versions: SubjectVersions,
}

/// The roles and groups of a person, with what those roles hold that the program does not define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRoles {
    /// The site roles that were given, without the implied `member`.
    pub site_roles: Vec<String>,
    /// Whether the account only holds tokens: nobody can sign in to it.
    pub service_account: bool,
    /// What the person holds in each live organization that the person is in, the oldest membership first.
    pub organizations: Vec<SubjectOrganization>,
    /// The groups that the person was put in; Everyone groups follow from the organizations.
    pub group_ids: Vec<GroupId>,
}

/// What a person holds in one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectOrganization {
    /// The organization.
    pub id: OrganizationId,
    /// The roles that were given.
    pub roles: Vec<String>,
    /// The roles that every member holds there.
    pub default_roles: Vec<String>,
    /// Whose workspaces may be shared there.
    pub settings: ShareableOwners,
    /// What the organization keeps of the system role that fits the account; `None` when the row is missing.
    pub system_role: Option<StoredSystemRole>,
    /// The organization's own roles among those given and those that every member holds.
    pub custom_roles: Vec<SubjectCustomRole>,
}

/// An organization's own role in somebody's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectCustomRole {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub permissions: OrgPermissions,
}
