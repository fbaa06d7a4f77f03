//! Organizations and who belongs to them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ShareableWorkspaceOwners, SlimRole,
    lenient::{empty_as_none, null_as_default},
};

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Organization {
    /// Its id, which is also the id of its Everyone group.
    pub id: Uuid,
    /// Its unique name in addresses.
    pub name: String,
    /// The name that people read.
    pub display_name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// The address of a picture; may be empty.
    pub icon: String,
    /// Whether it is the default one, which cannot be deleted.
    pub is_default: bool,
    /// The roles that every member holds there beside those that were given.
    #[serde(default, deserialize_with = "null_as_default")]
    pub default_org_member_roles: Vec<String>,
    /// Whose workspaces may be shared.
    #[serde(default)]
    pub shareable_workspace_owners: ShareableWorkspaceOwners,
    /// Whether nobody's workspaces may be shared: an older word for `shareable_workspace_owners` being `none`.
    #[serde(default)]
    pub workspace_sharing_disabled: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// An organization to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateOrganizationRequest {
    /// Its unique name.
    pub name: String,
    /// The name that people read; the unique name when absent.
    #[serde(default, deserialize_with = "null_as_default")]
    pub display_name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "null_as_default")]
    pub description: String,
    /// The address of a picture.
    #[serde(default, deserialize_with = "null_as_default")]
    pub icon: String,
    /// Whose workspaces may be shared: `everyone`, `service_accounts` or `none`.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub shareable_workspace_owners: Option<String>,
    /// An older way to say `none` (true) or `everyone` (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_sharing_disabled: Option<bool>,
}

/// A change of an organization; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateOrganizationRequest {
    /// A new unique name.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// A new name that people read.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub display_name: Option<String>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A new picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Other roles that every member holds beside those that were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_org_member_roles: Option<Vec<String>>,
    /// Whose workspaces may be shared: `everyone`, `service_accounts` or `none`.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub shareable_workspace_owners: Option<String>,
    /// An older way to say `none` (true) or `everyone` (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_sharing_disabled: Option<bool>,
}

/// A person's place in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrganizationMember {
    /// The person.
    pub user_id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// When the person joined.
    pub created_at: DateTime<Utc>,
    /// When the roles last changed.
    pub updated_at: DateTime<Utc>,
    /// The organization roles that were given; `organization-member` is implied and not among them.
    pub roles: Vec<SlimRole>,
}

/// A person's place in an organization, and who the person is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrganizationMemberWithUserData {
    /// The person.
    pub user_id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// When the person joined.
    pub created_at: DateTime<Utc>,
    /// When the roles last changed.
    pub updated_at: DateTime<Utc>,
    /// The organization roles that were given; `organization-member` is implied and not among them.
    pub roles: Vec<SlimRole>,
    /// The person's unique name.
    pub username: String,
    /// The name that people read; may be empty.
    pub name: String,
    /// The address of a picture; may be empty.
    pub avatar_url: String,
    /// The person's e-mail address.
    pub email: String,
    /// The site roles that were given.
    pub global_roles: Vec<SlimRole>,
}

/// Whether chats may be shared in an organization, as it now counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatSharingSettings {
    /// Whether the deployment lets nobody share, whatever its organizations say.
    pub sharing_globally_disabled: bool,
    /// Whether chats may be shared; not while the deployment lets nobody share.
    pub enabled: bool,
}

/// Another rule about sharing chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateChatSharingSettingsRequest {
    /// Whether chats may be shared. With whom they were shared is kept while they may not be.
    pub enabled: bool,
}
