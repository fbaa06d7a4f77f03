//! The roles that come with being a member, as every organization keeps them.

use rbac::{Permission, ShareableOwners, SystemRole};

use crate::OrganizationId;

/// One of these roles as an organization keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSystemRole {
    /// Which one.
    pub role: SystemRole,
    /// The version of the program's definition that it was written from; 0 for a placeholder.
    pub definition_version: i32,
    /// What it lets its holders do to everything in the organization.
    pub org_permissions: Vec<Permission>,
    /// What it lets its holders do to their own in the organization.
    pub member_permissions: Vec<Permission>,
}

/// An organization with what decides these roles, and what it keeps of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationSystemRoles {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Whose workspaces may be shared there.
    pub settings: ShareableOwners,
    /// What is stored; normally one of each.
    pub roles: Vec<StoredSystemRole>,
}
