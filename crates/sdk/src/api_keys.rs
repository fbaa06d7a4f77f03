//! API tokens.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::{
    Secret,
    lenient::{empty_as_none, null_as_default},
};

/// An entry of a token's allow-list: a type of object and an id, each of which may be `*`.
/// It is written as `type:id` and read from that or from `{"type", "id"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowListTarget {
    /// The type of the object.
    pub kind: String,
    /// The object's id.
    pub id: String,
}

impl fmt::Display for AllowListTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

impl Serialize for AllowListTarget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AllowListTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected `type:id` or an object with `type` and `id`"
        )]
        enum Spelling {
            Text(String),
            Object {
                #[serde(rename = "type")]
                kind: String,
                id: String,
            },
        }
        match Spelling::deserialize(deserializer)? {
            Spelling::Object { kind, id } => Ok(Self { kind, id }),
            Spelling::Text(text) => {
                // What has no colon is left to the server's parser, which knows what to say of it.
                let (kind, id) = text.split_once(':').unwrap_or((&text, ""));
                Ok(Self {
                    kind: kind.to_owned(),
                    id: id.to_owned(),
                })
            }
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for AllowListTarget {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some(
                "A type of object and an id, as `type:id`; each may be `*`.",
            ))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for AllowListTarget {}

/// A token to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateTokenRequest {
    /// Its name, unique among its owner's tokens; a random one when absent.
    #[serde(default, deserialize_with = "null_as_default")]
    pub token_name: String,
    /// How long it lives, in nanoseconds, up to 365 days; 30 days when absent or zero.
    #[serde(default, deserialize_with = "null_as_default")]
    pub lifetime: i64,
    /// What it may be used for; everything when absent.
    #[serde(default, deserialize_with = "null_as_default")]
    pub scopes: Vec<String>,
    /// The older spelling of a single scope; counts when `scopes` is absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub scope: Option<String>,
    /// Which objects it may be used on; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_list: Option<Vec<AllowListTarget>>,
}

/// A token, shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GenerateApiKeyResponse {
    /// The token.
    pub key: Secret,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// Its public id: what stands before the hyphen of the token.
    pub id: String,
    /// Whose it is.
    pub user_id: Uuid,
    /// Its name, unique among its owner's tokens.
    pub token_name: String,
    /// How it came to be.
    pub login_type: ApiKeyLoginType,
    /// What it may be used for; `all` when it is not narrowed.
    pub scopes: Vec<String>,
    /// Which objects it may be used on; `*:*` when it is not narrowed.
    pub allow_list: Vec<AllowListTarget>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// How long it lives in all, in seconds.
    pub lifetime_seconds: i64,
}

/// How a key came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyLoginType {
    /// By signing in with a password.
    Password,
    /// Made on purpose.
    Token,
}

#[cfg(test)]
mod tests {
    use super::{AllowListTarget, CreateTokenRequest};

    #[test]
    fn allow_list_entries_are_texts_or_objects() {
        let check = |json: &str, kind: &str, id: &str| {
            let target: AllowListTarget = serde_json::from_str(json).unwrap();
            assert_eq!(
                (target.kind.as_str(), target.id.as_str()),
                (kind, id),
                "{json}"
            );
            assert_eq!(
                serde_json::to_string(&target).unwrap(),
                format!("\"{kind}:{id}\"")
            );
        };
        check(r#""group:*""#, "group", "*");
        check(r#"{"type": "group", "id": "7"}"#, "group", "7");
        check(r#""group""#, "group", "");
        assert!(serde_json::from_str::<AllowListTarget>("7").is_err());
    }

    #[test]
    fn a_token_without_anything_is_asked_for_by_an_empty_object() {
        let request: CreateTokenRequest =
            serde_json::from_str(r#"{"scope": "", "scopes": null, "lifetime": null}"#).unwrap();
        assert_eq!(request, CreateTokenRequest::default());
    }
}
