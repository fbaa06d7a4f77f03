//! Custom roles of an organization, and which roles there are to be given.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lenient::null_as_default;

/// One line of a role: an action on a type of things, granted or taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Permission {
    /// Takes away instead of granting.
    #[serde(default)]
    pub negate: bool,
    /// The type of things, `workspace` say; `*` is every type.
    pub resource_type: String,
    /// The action, `read` say; `*` is every action.
    pub action: String,
}

/// What a role is and holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Role {
    /// Its name, to be used in requests.
    pub name: String,
    /// The organization that it is given in; absent for a role of the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Uuid>,
    /// The name that people read; may be empty.
    pub display_name: String,
    /// What it lets its holders do to everything in the site.
    #[serde(default, deserialize_with = "null_as_default")]
    pub site_permissions: Vec<Permission>,
    /// What it lets its holders do to everything in the organization.
    #[serde(default, deserialize_with = "null_as_default")]
    pub organization_permissions: Vec<Permission>,
    /// What it lets its holders do to their own things that belong to no organization.
    #[serde(default, deserialize_with = "null_as_default")]
    pub user_permissions: Vec<Permission>,
    /// What it lets its holders do to their own things in the organization.
    #[serde(default, deserialize_with = "null_as_default")]
    pub organization_member_permissions: Vec<Permission>,
}

/// A role that there is to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssignableRole {
    /// What it is and holds.
    #[serde(flatten)]
    pub role: Role,
    /// Whether the caller may give it there.
    pub assignable: bool,
    /// Whether it comes with the program; else an organization made it for itself.
    pub built_in: bool,
}

/// A custom role to be made, or what one found by its name shall be from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomRoleRequest {
    /// Its name, unique in the organization without regard to case.
    pub name: String,
    /// The name that people read.
    #[serde(default, deserialize_with = "null_as_default")]
    pub display_name: String,
    /// Must be empty: a role of an organization reaches nothing outside it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub site_permissions: Vec<Permission>,
    /// What it lets its holders do to everything in the organization.
    #[serde(default, deserialize_with = "null_as_default")]
    pub organization_permissions: Vec<Permission>,
    /// Must be empty: a role of an organization reaches nothing outside it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub user_permissions: Vec<Permission>,
    /// What it lets its holders do to their own things in the organization.
    #[serde(default, deserialize_with = "null_as_default")]
    pub organization_member_permissions: Vec<Permission>,
}
