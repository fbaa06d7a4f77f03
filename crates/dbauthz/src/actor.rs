//! The person on whose behalf the store is used.

use std::sync::Arc;

use model::{Name, UserId, api_keys::ApiKeyKind};
use rbac::{PreparedSubject, ScopeSet};
use uuid::Uuid;

/// A signed-in person. Built by the crate `auth` from the key that was presented.
#[derive(Debug, Clone)]
pub struct Actor {
    /// What the person may do, narrowed by the key's scopes.
    pub subject: Arc<PreparedSubject>,
    /// Who it is.
    pub user_id: UserId,
    /// The unique name, for the audit log.
    pub username: Name,
    /// The key that was presented.
    pub key: PresentedKey,
    /// The request on whose behalf it happens.
    pub request_id: Option<Uuid>,
}

/// The session or token that a person signed in with.
#[derive(Debug, Clone)]
pub struct PresentedKey {
    /// Its public id.
    pub id: String,
    /// How it came to be.
    pub kind: ApiKeyKind,
    /// What it may be used for; a token that it makes can have no more.
    pub scopes: ScopeSet,
    /// Whether it is in admin mode: what concerns the whole deployment's money asks for that besides the right.
    pub admin_mode: bool,
}
