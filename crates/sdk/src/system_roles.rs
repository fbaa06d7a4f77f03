//! The rule of an organization about sharing, on which the roles depend that come with being a member.

use serde::{Deserialize, Serialize};

use crate::lenient::empty_as_none;

/// Whose workspaces may be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShareableWorkspaceOwners {
    /// Every member's.
    #[default]
    Everyone,
    /// Only those of service accounts.
    ServiceAccounts,
    /// Nobody's.
    None,
}

/// The rule about sharing workspaces, as it now counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkspaceSharingSettings {
    /// Whether the deployment lets nobody share, whatever its organizations say.
    pub sharing_globally_disabled: bool,
    /// Whether nobody's workspaces may be shared: an older word for `shareable_workspace_owners` being `none`.
    pub sharing_disabled: bool,
    /// The same under its oldest name.
    pub workspace_sharing_disabled: bool,
    /// Whose workspaces may be shared; `none` while the deployment lets nobody share.
    pub shareable_workspace_owners: ShareableWorkspaceOwners,
}

/// Another rule about sharing workspaces. One of the fields must be given; those that are must not contradict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateWorkspaceSharingSettingsRequest {
    /// Whose workspaces may be shared: `everyone`, `service_accounts` or `none`.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub shareable_workspace_owners: Option<String>,
    /// An older way to say `none` (true) or `everyone` (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_disabled: Option<bool>,
    /// The same under its oldest name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_sharing_disabled: Option<bool>,
}
