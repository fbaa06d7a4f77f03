//! Groups of an organization's people.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lenient::{empty_as_none, null_as_default};

/// A person in a group, as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReducedUser {
    /// The person's id.
    pub id: Uuid,
    /// The person's unique name.
    pub username: String,
    /// The name that people read; may be empty.
    pub name: String,
    /// The address of a picture; may be empty.
    pub avatar_url: String,
    /// The person's e-mail address.
    pub email: String,
}

/// A group of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    /// Its id; the Everyone group's equals its organization's.
    pub id: Uuid,
    /// Its name, unique in its organization.
    pub name: String,
    /// The name that people read; may be empty.
    pub display_name: String,
    /// The organization it belongs to.
    pub organization_id: Uuid,
    /// The people in it that the caller may see.
    pub members: Vec<ReducedUser>,
    /// How many people are in it, whether the caller may see them or not.
    pub total_member_count: u64,
    /// The address of a picture; may be empty.
    pub avatar_url: String,
    /// A quota of another product, always zero: budgets are at `/groups/{group}/ai/budget`.
    pub quota_allowance: i32,
    /// Where it comes from.
    pub source: GroupSource,
    /// Its organization's unique name.
    pub organization_name: String,
    /// Its organization's name that people read.
    pub organization_display_name: String,
}

/// Where a group comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GroupSource {
    /// A person made it.
    User,
}

/// Which groups to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct GroupListQuery {
    /// Only groups of this organization, by id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Only groups that this person is in, by id, username or `me`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_member: Option<String>,
}

/// A group to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateGroupRequest {
    /// Its name, unique in its organization.
    pub name: String,
    /// The name that people read.
    #[serde(default, deserialize_with = "null_as_default")]
    pub display_name: String,
    /// The address of a picture.
    #[serde(default, deserialize_with = "null_as_default")]
    pub avatar_url: String,
}

/// A change of a group; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchGroupRequest {
    /// People to add; each must belong to the organization.
    #[serde(default, deserialize_with = "null_as_default")]
    pub add_users: Vec<Uuid>,
    /// People to remove; one who is not in the group is passed over.
    #[serde(default, deserialize_with = "null_as_default")]
    pub remove_users: Vec<Uuid>,
    /// A new name.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// A new name that people read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// A new picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}
