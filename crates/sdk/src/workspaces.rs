//! Workspaces: the shared folders of a team's AI work.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lenient::{empty_as_none, null_as_default};

/// A workspace of an organization, and of one person there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Workspace {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique among the owner's workspaces without regard to case.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// The organization it belongs to.
    pub organization_id: Uuid,
    /// The organization's unique name.
    pub organization_name: String,
    /// Whose it is.
    pub owner_id: Uuid,
    /// The owner's unique name.
    pub owner_username: String,
    /// The owner's name that people read; may be empty.
    pub owner_name: String,
    /// Since when it sleeps; whom it is shared with does not count meanwhile. Absent while it is awake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dormant_at: Option<DateTime<Utc>>,
    /// Whether somebody else may use it because it is shared with them.
    pub shared: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed, also in whom it is shared with.
    pub updated_at: DateTime<Utc>,
}

/// A page of workspaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkspacesResponse {
    /// The workspaces, by name.
    pub workspaces: Vec<Workspace>,
    /// How many there are in all, whatever the page.
    pub count: u64,
}

/// Which workspaces to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct WorkspaceListQuery {
    /// Only workspaces of this person, by id, username or `me`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Only workspaces that others share with the caller, directly or with a group that the caller is in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// Only workspaces with this in their name, without regard to case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// How many to return: 1 to 1000, 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How many to pass over first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
}

/// A workspace to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateWorkspaceRequest {
    /// Its name, unique among the owner's workspaces without regard to case.
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "null_as_default")]
    pub description: String,
    /// Whose it shall be, by id, username or `me`: an active member of the organization. The caller's when absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub owner: Option<String>,
}

/// A change of a workspace; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateWorkspaceRequest {
    /// A new name.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Whether a workspace shall sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateWorkspaceDormancyRequest {
    /// Whether it shall sleep: whom it is shared with does not count then.
    pub dormant: bool,
}
