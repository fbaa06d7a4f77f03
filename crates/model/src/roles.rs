//! Custom roles of an organization.

use chrono::{DateTime, Utc};
use rbac::Permission;

use crate::{Name, OrganizationId, RoleId};

/// A role that an organization made for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    /// Its id.
    pub id: RoleId,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// Its name, unique in its organization without regard to case; members and settings refer to it.
    pub name: Name,
    /// The name that people read; may be empty.
    pub display_name: String,
    /// What it lets its holders do to everything in the organization.
    pub org_permissions: Vec<Permission>,
    /// What it lets its holders do to their own in the organization.
    pub member_permissions: Vec<Permission>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A custom role to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomRole {
    /// Its id.
    pub id: RoleId,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// Its name.
    pub name: Name,
    /// What it is and holds.
    pub definition: CustomRoleDefinition,
}

/// What a custom role is and holds: everything about it that can change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomRoleDefinition {
    /// The name that people read; may be empty.
    pub display_name: String,
    /// What it lets its holders do to everything in the organization.
    pub org_permissions: Vec<Permission>,
    /// What it lets its holders do to their own in the organization.
    pub member_permissions: Vec<Permission>,
}
