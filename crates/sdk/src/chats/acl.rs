//! With whom chats are shared: an ACL as that of everything else, whose entries can end by themselves.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AclGroup, AclUser, Change, lenient::distinct_keys};

/// With whom a chat's family is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatAcl {
    /// The people, by username.
    pub users: Vec<ChatAclUser>,
    /// The groups, by name.
    pub groups: Vec<ChatAclGroup>,
}

/// A person with whom a chat's family is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatAclUser {
    /// The person, and the role.
    #[serde(flatten)]
    pub entry: AclUser,
    /// When the entry ends by itself; absent is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A group with which a chat's family is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatAclGroup {
    /// The group, and the role.
    #[serde(flatten)]
    pub entry: AclGroup,
    /// When the entry ends by itself; absent is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A change of with whom a chat's family is shared. Who is not named keeps their entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateChatAclRequest {
    /// Roles of people by their ids: `read`, or nothing, which ends the entry. One's own entry cannot be changed.
    #[serde(
        default,
        deserialize_with = "distinct_keys",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub user_roles: BTreeMap<String, String>,
    /// Roles of groups by their ids: `read`, or nothing, which ends the entry.
    #[serde(
        default,
        deserialize_with = "distinct_keys",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub group_roles: BTreeMap<String, String>,
    /// When the entries that are named here end by themselves; `null` is never. When it is absent they end as they did,
    /// and new ones never.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<DateTime<Utc>>))]
    pub expires_at: Change<DateTime<Utc>>,
}
