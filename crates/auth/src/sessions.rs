//! Making sessions and API tokens.

use dbauthz::SystemWriteUnit;
use model::{
    Name, UserId,
    api_keys::{ApiKey, ApiKeyKind, NewApiKey},
};
use rbac::ScopeSet;
use secrecy::SecretString;
use store::{StoreError, StoreResult};

use crate::{Caller, tokens};

/// How long a session lives, by the database's clock.
pub const SESSION_LIFETIME: chrono::Duration = chrono::Duration::hours(24);

/// An API token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose it will be.
    pub user_id: UserId,
    /// Its name, unique among its owner's tokens.
    pub token_name: Name,
    /// How long it lives. The bounds are the caller's business.
    pub lifetime: chrono::Duration,
    /// What it may be used for.
    pub scopes: ScopeSet,
}

/// An API token that was made. Its text is shown once.
#[derive(Debug)]
pub struct CreatedToken {
    /// The text to present.
    pub token: SecretString,
    /// The token as it is stored.
    pub key: ApiKey,
}

/// Makes an API token, for the caller or for somebody else.
///
/// # Errors
/// As [`dbauthz::ApiKeys::api_key_create`]; [`StoreError::Internal`] without randomness.
pub async fn token_create(caller: &Caller, token: NewToken) -> StoreResult<CreatedToken> {
    let fresh = fresh()?;
    let new = NewApiKey {
        id: fresh.id,
        hashed_secret: fresh.hashed_secret,
        user_id: token.user_id,
        kind: ApiKeyKind::Token,
        token_name: token.token_name.into(),
        scopes: token.scopes.name_strings(),
        allow_list: token.scopes.allow_list().to_strings(),
        lifetime: token.lifetime,
    };
    let mut unit = caller.store.begin().await?;
    let key = unit.api_keys().api_key_create(&new).await?;
    unit.commit().await?;
    Ok(CreatedToken {
        token: fresh.text,
        key,
    })
}

/// Makes a session for somebody who has proved who they are.
pub(crate) async fn session_create(
    unit: &mut SystemWriteUnit,
    user_id: UserId,
) -> StoreResult<CreatedToken> {
    let fresh = fresh()?;
    let scopes = ScopeSet::all();
    let new = NewApiKey {
        id: fresh.id,
        hashed_secret: fresh.hashed_secret,
        user_id,
        kind: ApiKeyKind::Session,
        token_name: String::new(),
        scopes: scopes.name_strings(),
        allow_list: scopes.allow_list().to_strings(),
        lifetime: SESSION_LIFETIME,
    };
    let key = unit.api_keys().api_key_create(&new).await?;
    Ok(CreatedToken {
        token: fresh.text,
        key,
    })
}

fn fresh() -> StoreResult<tokens::FreshKey> {
    tokens::generate().map_err(|error| StoreError::Internal(Box::new(error)))
}
