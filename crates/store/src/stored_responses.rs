//! What AI providers keep of the answers that they gave, and whose it is.

use async_trait::async_trait;
use model::{
    ProviderId, UserId,
    stored_responses::{NewStoredResponse, StoredId},
};

use crate::StoreResult;

/// Reads whose something is.
#[async_trait]
pub trait StoredResponseRead: Send {
    /// Which of these the provider keeps for this person. What it does not keep, what it keeps for others and what is
    /// older than [`model::stored_responses::STORED_RESPONSE_LIFETIME`] look alike.
    async fn stored_response_get(
        &mut self,
        provider: ProviderId,
        user: UserId,
        ids: &[StoredId],
    ) -> StoreResult<Vec<StoredId>>;
}

/// Notes whose something is.
#[async_trait]
pub trait StoredResponseWrite: StoredResponseRead {
    /// Notes what the provider keeps of an answer. An id that is known already stays whose it was; of a deleted
    /// person nothing is noted. Forgets some of what is too old.
    async fn stored_response_create(&mut self, new: &NewStoredResponse) -> StoreResult<()>;
}
