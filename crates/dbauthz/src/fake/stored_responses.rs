//! The fake's record of what providers keep. Nothing in it grows old.

use async_trait::async_trait;
use model::{
    ProviderId, UserId,
    stored_responses::{NewStoredResponse, StoredId},
};
use store::{
    StoreResult,
    stored_responses::{StoredResponseRead, StoredResponseWrite},
};

use super::FakeUnit;

#[async_trait]
impl StoredResponseRead for FakeUnit {
    async fn stored_response_get(
        &mut self,
        provider: ProviderId,
        user: UserId,
        ids: &[StoredId],
    ) -> StoreResult<Vec<StoredId>> {
        let stored = &self.call("stored_response_get").stored_responses;
        let own = |id: &&StoredId| stored.get(&(provider, (*id).clone())) == Some(&user);
        Ok(ids.iter().filter(own).cloned().collect())
    }
}

#[async_trait]
impl StoredResponseWrite for FakeUnit {
    async fn stored_response_create(&mut self, new: &NewStoredResponse) -> StoreResult<()> {
        let stored = &mut self.call("stored_response_create").stored_responses;
        for id in &new.ids {
            let key = (new.provider_id, id.clone());
            stored.entry(key).or_insert(new.user_id);
        }
        Ok(())
    }
}
