//! What a caller signs in with: sessions from a login, and API tokens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::UserId;

/// How a key came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyKind {
    /// By signing in. Ends with a password change.
    Session,
    /// Made on purpose, with a name, a lifetime and perhaps narrower scopes.
    Token,
}

/// A session or API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public id: the ten characters before the hyphen.
    pub id: String,
    /// Whose it is.
    pub user_id: UserId,
    /// How it came to be.
    pub kind: ApiKeyKind,
    /// Its name, unique among its owner's tokens; empty for a session.
    pub token_name: String,
    /// What it may be used for; `all` when it is not narrowed.
    pub scopes: Vec<String>,
    /// Which objects it may be used on, as `type:id`; `*:*` when it is not narrowed.
    pub allow_list: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A session or API token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Its public id.
    pub id: String,
    /// The SHA-256 of its secret.
    pub hashed_secret: [u8; 32],
    /// Whose it is.
    pub user_id: UserId,
    /// How it came to be.
    pub kind: ApiKeyKind,
    /// Its name; empty for a session.
    pub token_name: String,
    /// What it may be used for, in canonical spelling.
    pub scopes: Vec<String>,
    /// Which objects it may be used on, normalised.
    pub allow_list: Vec<String>,
    /// How long it lives.
    pub lifetime: chrono::Duration,
}

/// What every request needs to know of the key that it presents, read by one light query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStamp {
    /// The key.
    pub key: ApiKey,
    /// The SHA-256 of the key's secret, to be compared in constant time.
    pub hashed_secret: [u8; 32],
    /// Whether the key has ended by the database's clock.
    pub expired: bool,
    /// Until when the session is in admin mode; absent when it is not, by the database's clock.
    pub admin_mode_until: Option<DateTime<Utc>>,
    /// The owner's unique name.
    pub username: crate::Name,
    /// Whether the owner may act.
    pub status: crate::users::UserStatus,
    /// Whether what the owner may do has changed.
    pub versions: crate::subjects::SubjectVersions,
}

/// Whether a key still lets its owner in: what an open stream asks of the key that it was opened by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStanding {
    /// The key's public id.
    pub id: String,
    /// Whose it is.
    pub user_id: UserId,
    /// Whether the key has ended by the database's clock.
    pub expired: bool,
    /// Whether the owner may act.
    pub status: crate::users::UserStatus,
    /// Whether what the owner may do has changed.
    pub versions: crate::subjects::SubjectVersions,
}
