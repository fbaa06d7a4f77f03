//! With whom something is shared: the same for everything that is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Group, lenient::distinct_keys};

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
        deserialize_with = "distinct_keys",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub user_roles: BTreeMap<String, String>,
    /// Roles of groups by their ids; an empty role ends the entry.
    #[serde(
        default,
        deserialize_with = "distinct_keys",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub group_roles: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::UpdateAclRequest;

    #[test]
    fn a_key_that_comes_twice_is_refused_not_half_forgotten() {
        let check = |text: &str, entries: Option<usize>| {
            let read = serde_json::from_str::<UpdateAclRequest>(text);
            let found = read.map(|body| body.user_roles.len() + body.group_roles.len());
            assert_eq!(found.ok(), entries, "{text}");
        };
        check(r#"{"user_roles": {"a": "use", "a": ""}}"#, None);
        check(
            r#"{"group_roles": {"a": "use", "b": "use", "a": "use"}}"#,
            None,
        );
        check(
            r#"{"user_roles": {"a": "use", "b": ""}, "group_roles": {"a": "use"}}"#,
            Some(3),
        );
        check(r#"{"user_roles": null, "group_roles": {}}"#, Some(0));
        check("{}", Some(0));
        check(r#"{"user_roles": []}"#, None);
        check(r#"{"user_roles": {"a": 5}}"#, None);
    }
}
