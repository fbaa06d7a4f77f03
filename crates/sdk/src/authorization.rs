//! What somebody may do, and why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lenient::{empty_as_none, null_as_default};

/// Questions, each under a name of the caller's choice; 1,000 at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationRequest {
    /// The questions.
    #[serde(deserialize_with = "null_as_default")]
    pub checks: BTreeMap<String, AuthorizationCheck>,
}

/// A question: may the action be done to the object?
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationCheck {
    /// What it is done to.
    pub object: AuthorizationObject,
    /// The action's name. What the server does not know is not allowed.
    pub action: String,
}

/// What an action is done to: a row by its id, or whatever has this owner and organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationObject {
    /// The type's name. What the server does not know is not allowed.
    pub resource_type: String,
    /// Whose it is, as an id or `me`; nobody's when absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub owner_id: Option<String>,
    /// The organization that it belongs to; to none when absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub organization_id: Option<Uuid>,
    /// The row itself. Its owner and organization are then the row's own, whatever is said here; of somebody
    /// in an organization or group it is the person's id, and the organization must be named. What does
    /// not exist, or must not be seen, is not allowed.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub resource_id: Option<Uuid>,
    /// Whether it may belong to any organization.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub any_org: bool,
}

/// How to answer, and for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct AuthorizationCheckQuery {
    /// Whether each answer comes with its reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub explain: bool,
    /// Somebody else to ask about, by id or username, with no token to narrow what they may do. Takes the
    /// right to see which roles there are (`assign_role:read`) and the right to see that person (`user:read`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// The answers, by the names of the questions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct AuthorizationResponse(pub BTreeMap<String, AuthorizationAnswer>);

/// An answer: whether it is allowed, or, when that was asked for, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum AuthorizationAnswer {
    /// Whether it is allowed.
    Plain(bool),
    /// The same with the reason.
    Explained(Box<AuthorizationExplained>),
}

impl AuthorizationAnswer {
    /// Whether it is allowed.
    #[must_use]
    pub const fn allowed(&self) -> bool {
        match self {
            Self::Plain(allowed) => *allowed,
            Self::Explained(explained) => explained.allowed,
        }
    }
}

/// An answer with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationExplained {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The reason; absent when there was nothing to decide: the type or the action is unknown, or the row does
    /// not exist or must not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<AuthorizationExplanation>,
}

/// Why: `(roles or acl) and scope and allow_list`, without a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationExplanation {
    /// The whole of it on one line, for people.
    pub text: String,
    /// The organization that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Uuid>,
    /// What is wrong with the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<AuthorizationFault>,
    /// What the roles say.
    pub roles: AuthorizationSide,
    /// What the row's own list of people and groups says.
    pub acl: AuthorizationAcl,
    /// What the token's scopes say.
    pub scope: AuthorizationSide,
    /// The entry of the token's allow-list that admits the object; absent when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_list: Option<String>,
}

/// What is wrong with a question that nothing could allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationFault {
    /// The type has no such action.
    UndeclaredAction,
    /// In one organization and in any.
    Contradiction,
}

/// What one part of a decision says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationVerdict {
    /// It allows.
    Granted,
    /// It forbids.
    Refused,
    /// Neither.
    Silent,
}

/// What roles or scopes say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationSide {
    /// The verdict.
    pub verdict: AuthorizationVerdict,
    /// The permission behind it; absent when silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<AuthorizationCause>,
}

/// A permission that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationCause {
    /// How far it reaches.
    pub level: AuthorizationLevel,
    /// The role that has it, or the scope's name.
    pub role: String,
    /// The organization that the role is held in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Uuid>,
    /// The permission as written: `type:action`, with a sign before it when it forbids.
    pub permission: String,
}

/// How far a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationLevel {
    /// Every object.
    Site,
    /// One's own objects in no organization.
    User,
    /// Every object of an organization.
    Organization,
    /// One's own objects in an organization.
    Member,
}

/// What a row's own list of people and groups says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationAcl {
    /// The verdict; refused when an entry would allow, but a permission forbids.
    pub verdict: AuthorizationVerdict,
    /// The entry; absent when silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<AuthorizationAclEntry>,
    /// The permission that forbids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barred_by: Option<AuthorizationCause>,
}

/// An entry of a row's own list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationAclEntry {
    /// For whom it is.
    pub kind: AuthorizationAclKind,
    /// The id of the person, group or organization.
    pub id: Uuid,
}

/// For whom an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationAclKind {
    /// A person.
    User,
    /// A group.
    Group,
    /// Everyone of an organization.
    Everyone,
}

/// The scopes that a token may be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExternalApiKeyScopes {
    /// Their names, in alphabetical order.
    pub external: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_existing_clients_send_is_read() {
        let text = r#"{"checks": {"a": {"object": {"resource_type": "chat", "owner_id": "me",
            "organization_id": "", "resource_id": ""}, "action": "read"}}}"#;
        let request: AuthorizationRequest = serde_json::from_str(text).unwrap();
        let check = AuthorizationCheck {
            object: AuthorizationObject {
                resource_type: "chat".to_owned(),
                owner_id: Some("me".to_owned()),
                ..AuthorizationObject::default()
            },
            action: "read".to_owned(),
        };
        assert_eq!(request.checks, [("a".to_owned(), check)].into());
        let none: AuthorizationRequest = serde_json::from_str(r#"{"checks": null}"#).unwrap();
        assert_eq!(none, AuthorizationRequest::default());
    }

    #[test]
    fn an_answer_is_a_word_or_a_reason() {
        let text = r#"{"a":true,"b":{"allowed":false}}"#;
        let answers: AuthorizationResponse = serde_json::from_str(text).unwrap();
        let allowed: Vec<_> = answers
            .0
            .values()
            .map(AuthorizationAnswer::allowed)
            .collect();
        assert_eq!(allowed, [true, false]);
        assert_eq!(serde_json::to_string(&answers).unwrap(), text);
    }
}
