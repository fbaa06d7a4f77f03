//! Organizations and who belongs to them.

use chrono::{DateTime, Utc};
use rbac::ShareableOwners;

use crate::{Name, OrganizationId, UserId};

/// An organization: a body of people with groups, budgets and administrators of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id, which is also the id of its Everyone group.
    pub id: OrganizationId,
    /// Its unique name in addresses.
    pub name: Name,
    /// The name that people read.
    pub display_name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// The address of a picture; may be empty.
    pub icon: String,
    /// Whether it is the first one, which cannot be deleted.
    pub default: bool,
    /// The roles that every member holds there beside those that were given.
    pub default_org_member_roles: Vec<String>,
    /// Whose workspaces may be shared there.
    pub shareable_workspace_owners: ShareableOwners,
    /// Whether what is shared of its chats counts.
    pub chat_sharing: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// An organization to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its unique name.
    pub name: Name,
    /// The name that people read.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// The address of a picture.
    pub icon: String,
    /// Whose workspaces may be shared there.
    pub shareable_workspace_owners: ShareableOwners,
}

/// A change of an organization; `None` leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationUpdate {
    /// A new unique name.
    pub name: Option<Name>,
    /// A new name that people read.
    pub display_name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// A new picture.
    pub icon: Option<String>,
    /// Other roles that every member holds beside those that were given.
    pub default_org_member_roles: Option<Vec<String>>,
    /// Another rule about whose workspaces may be shared.
    pub shareable_workspace_owners: Option<ShareableOwners>,
    /// Whether what is shared of its chats counts; what was granted is kept.
    pub chat_sharing: Option<bool>,
}

/// A person's place in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationMember {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The person.
    pub user_id: UserId,
    /// The person's unique name.
    pub username: Name,
    /// The name that people read.
    pub name: String,
    /// The person's e-mail address.
    pub email: String,
    /// The organization roles that were given; `organization-member` is implied and not among them.
    pub roles: Vec<String>,
    /// The site roles that were given.
    pub global_roles: Vec<String>,
    /// When the person joined.
    pub created_at: DateTime<Utc>,
    /// When the roles last changed.
    pub updated_at: DateTime<Utc>,
}
