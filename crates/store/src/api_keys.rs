//! Sessions and API tokens.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{
    UserId,
    api_keys::{ApiKey, KeyStamp, KeyStanding, NewApiKey},
};

use crate::StoreResult;

/// Reads keys.
#[async_trait]
pub trait ApiKeyRead: Send {
    /// A key with its owner's standing and versions, in one query. Expired keys and those of suspended people
    /// are found and marked; those of deleted people are not found.
    async fn key_stamp_get(&mut self, id: &str) -> StoreResult<Option<KeyStamp>>;
    /// How these keys stand, in one query and no particular order. Those that are gone, alone or with their
    /// owners' accounts, are missing.
    async fn key_standing_list(&mut self, ids: &[String]) -> StoreResult<Vec<KeyStanding>>;
    /// One key, without its secret.
    async fn api_key_get(&mut self, id: &str) -> StoreResult<Option<ApiKey>>;
    /// The API tokens of a person, newest first; sessions are not among them.
    async fn api_key_list(&mut self, user: UserId) -> StoreResult<Vec<ApiKey>>;
}

/// Makes and ends keys.
#[async_trait]
pub trait ApiKeyWrite: ApiKeyRead {
    /// Makes a key that lives from now on by the database's clock.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `api_keys_user_id_token_name_key`.
    async fn api_key_create(&mut self, new: &NewApiKey) -> StoreResult<ApiKey>;
    /// One key, its row locked until the unit ends.
    async fn api_key_lock(&mut self, id: &str) -> StoreResult<Option<ApiKey>>;
    /// Ends a key.
    async fn api_key_delete(&mut self, id: &str) -> StoreResult<()>;
    /// Puts a session into admin mode for so long, by the database's clock, and no longer than it lives. Returns
    /// until when.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when there is no such session, or it has ended.
    async fn admin_mode_begin(
        &mut self,
        id: &str,
        lifetime: chrono::Duration,
    ) -> StoreResult<DateTime<Utc>>;
    /// Takes a session out of admin mode; nothing happens when it was not in it.
    async fn admin_mode_end(&mut self, id: &str) -> StoreResult<()>;
    /// Ends a person's sessions, except the one with this id, which leaves admin mode. Returns how many ended.
    async fn api_key_delete_sessions(
        &mut self,
        user: UserId,
        except: Option<&str>,
    ) -> StoreResult<u64>;
}
