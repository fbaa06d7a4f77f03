//! People, signing in, and site roles.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Secret,
    lenient::{empty_as_none, null_as_default},
};

/// Whether an account may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// May sign in and act.
    Active,
    /// Keeps its data, may do nothing.
    Suspended,
}

/// How an account signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoginType {
    /// By e-mail address and password.
    Password,
    /// At the identity provider.
    Oidc,
    /// Not at all: it acts through API tokens that somebody else makes for it.
    None,
}

/// A role, as lists of roles show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlimRole {
    /// Its name, to be used in requests.
    pub name: String,
    /// The name that people read.
    pub display_name: String,
}

/// The least that is shown of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MinimalUser {
    /// The person's id.
    pub id: Uuid,
    /// The person's unique name.
    pub username: String,
    /// The address of a picture; may be empty.
    pub avatar_url: String,
}

/// A person or service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// Its unique name in addresses.
    pub username: String,
    /// The name that people read; may be empty.
    pub name: String,
    /// Its e-mail address.
    pub email: String,
    /// The address of a picture; may be empty.
    pub avatar_url: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it last signed in; absent if never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Whether it may act.
    pub status: UserStatus,
    /// How it signs in.
    pub login_type: LoginType,
    /// The organizations it belongs to.
    pub organization_ids: Vec<Uuid>,
    /// The site roles it was given; `member` is implied and not among them.
    pub roles: Vec<SlimRole>,
}

/// A page of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetUsersResponse {
    /// The people of this page, by username.
    pub users: Vec<User>,
    /// How many match in all.
    pub count: u64,
}

/// Which people to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct UserListQuery {
    /// Words that the username, name or e-mail address contains; also `status:active` or `status:suspended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// The greatest number of people to return, 1 to 1,000; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How many people to pass over first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
}

/// The first account, its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateFirstUserRequest {
    /// Its e-mail address.
    pub email: String,
    /// Its unique name.
    pub username: String,
    /// The name that people read.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Its password.
    pub password: Secret,
}

/// The first account and the default organization, which it administers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateFirstUserResponse {
    /// The account.
    pub user_id: Uuid,
    /// The default organization.
    pub organization_id: Uuid,
}

/// Signing in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginWithPasswordRequest {
    /// The account's e-mail address.
    pub email: String,
    /// The account's password.
    pub password: Secret,
}

/// What signing in gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginWithPasswordResponse {
    /// The session's token, to be sent as `Bursar-Session-Token` or `Authorization: Bearer`.
    pub session_token: Secret,
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateUserRequest {
    /// Its e-mail address.
    pub email: String,
    /// Its unique name.
    pub username: String,
    /// The name that people read.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Its password, for the login type `password`.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub password: Option<Secret>,
    /// How it signs in; `password` when absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub login_type: Option<LoginType>,
    /// The organizations that it joins at once.
    #[serde(deserialize_with = "null_as_default")]
    pub organization_ids: Vec<Uuid>,
}

/// A new password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateUserPasswordRequest {
    /// The old password: needed for one's own account.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub old_password: Option<Secret>,
    /// The new password.
    pub password: Secret,
}

/// The roles that shall be held, instead of the present ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateRolesRequest {
    /// Their names.
    #[serde(deserialize_with = "null_as_default")]
    pub roles: Vec<String>,
}

/// The roles that a person was given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserRoles {
    /// The names of the site roles.
    pub roles: Vec<String>,
    /// The names of the roles in each organization, by its id; only organizations that the caller may see.
    pub organization_roles: BTreeMap<Uuid, Vec<String>>,
}

/// Admin mode to be begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BeginAdminModeRequest {
    /// The caller's password. Whoever signs in at the identity provider has none, and goes there instead.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub password: Option<Secret>,
}

/// Whether the caller is in admin mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminMode {
    /// Whether the session is in admin mode now, or the API token has the scope `admin_mode`.
    pub active: bool,
    /// When the session leaves it; absent when it is not in it, and for an API token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}
