//! With whom something is shared: the same for everything that is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Group, lenient::null_as_default};

/// With whom an object is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acl {
    /// The people, by username.
    pub users: Vec<AclUser>,
    /// The groups, by name.
    pub groups: Vec<AclGroup>,
}

/// A person with whom an object is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AclUser {
    /// The person's id.
    pub id: Uuid,
    /// The person's unique name.
    pub username: String,
    /// The name that people read; may be empty.
    pub name: String,
    /// The address of a picture; may be empty.
    pub avatar_url: String,
    /// What they may do, by the name of a role.
    pub role: String,
}

/// A group with which an object is shared. Who is in it is not told here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AclGroup {
    /// The group, its `members` always empty.
    #[serde(flatten)]
    pub group: Group,
    /// What its people may do, by the name of a role.
    pub role: String,
}

/// A change of with whom an object is shared. Who is not named keeps their entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateAclRequest {
    /// Roles of people by their ids; an empty role ends the entry. One's own entry cannot be changed.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub user_roles: BTreeMap<String, String>,
    /// Roles of groups by their ids; an empty role ends the entry.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub group_roles: BTreeMap<String, String>,
}
