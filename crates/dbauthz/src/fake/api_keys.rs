//! The fake's keys.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{
    UserId,
    api_keys::{ApiKey, ApiKeyKind, KeyStamp, KeyStanding, NewApiKey},
};
use store::{
    StoreError, StoreResult,
    api_keys::{ApiKeyRead, ApiKeyWrite},
};

use super::FakeUnit;

#[async_trait]
impl ApiKeyRead for FakeUnit {
    async fn key_stamp_get(&mut self, id: &str) -> StoreResult<Option<KeyStamp>> {
        self.call("key_stamp_get");
        let state = &self.state;
        let Some((key, hashed_secret)) = state.keys.iter().find(|(key, _)| key.id == id) else {
            return Ok(None);
        };
        let Some(user) = state.users.iter().find(|user| user.id == key.user_id) else {
            return Ok(None);
        };
        Ok(Some(KeyStamp {
            key: key.clone(),
            hashed_secret: *hashed_secret,
            expired: key.expires_at <= state.now,
            admin_mode_until: state
                .admin_modes
                .get(id)
                .copied()
                .filter(|until| *until > state.now),
            username: user.username.clone(),
            status: user.status,
            versions: state.versions(&self.store.0.versions, user.id),
        }))
    }

    async fn key_standing_list(&mut self, ids: &[String]) -> StoreResult<Vec<KeyStanding>> {
        self.call("key_standing_list");
        let state = &self.state;
        let known = state.keys.iter().map(|(key, _)| key);
        let standing = |key: &ApiKey| {
            let user = state.users.iter().find(|user| user.id == key.user_id)?;
            Some(KeyStanding {
                id: key.id.clone(),
                user_id: user.id,
                expired: key.expires_at <= state.now,
                status: user.status,
                versions: state.versions(&self.store.0.versions, user.id),
            })
        };
        Ok(known
            .filter(|key| ids.contains(&key.id))
            .filter_map(standing)
            .collect())
    }

    async fn api_key_get(&mut self, id: &str) -> StoreResult<Option<ApiKey>> {
        let keys = &self.call("api_key_get").keys;
        Ok(keys
            .iter()
            .find(|(key, _)| key.id == id)
            .map(|(key, _)| key.clone()))
    }

    async fn api_key_list(&mut self, user: UserId) -> StoreResult<Vec<ApiKey>> {
        let keys = self.call("api_key_list").keys.iter().map(|(key, _)| key);
        Ok(keys
            .filter(|k| k.user_id == user && k.kind == ApiKeyKind::Token)
            .cloned()
            .collect())
    }
}

#[async_trait]
impl ApiKeyWrite for FakeUnit {
    async fn api_key_create(&mut self, new: &NewApiKey) -> StoreResult<ApiKey> {
        let state = self.call("api_key_create");
        let key = ApiKey {
            id: new.id.clone(),
            user_id: new.user_id,
            kind: new.kind,
            token_name: new.token_name.clone(),
            scopes: new.scopes.clone(),
            allow_list: new.allow_list.clone(),
            created_at: state.now,
            expires_at: state.now + new.lifetime,
        };
        state.keys.push((key.clone(), new.hashed_secret));
        Ok(key)
    }

    async fn api_key_lock(&mut self, id: &str) -> StoreResult<Option<ApiKey>> {
        let keys = &self.call("api_key_lock").keys;
        Ok(keys
            .iter()
            .find(|(key, _)| key.id == id)
            .map(|(key, _)| key.clone()))
    }

    async fn api_key_delete(&mut self, id: &str) -> StoreResult<()> {
        self.call("api_key_delete")
            .keys
            .retain(|(key, _)| key.id != id);
        Ok(())
    }

    async fn admin_mode_begin(
        &mut self,
        id: &str,
        lifetime: chrono::Duration,
    ) -> StoreResult<DateTime<Utc>> {
        let state = self.call("admin_mode_begin");
        let mut keys = state.keys.iter().map(|(key, _)| key);
        let session = keys.find(|key| {
            key.id == id && key.kind == ApiKeyKind::Session && key.expires_at > state.now
        });
        let ends = session.ok_or(StoreError::NotFound)?.expires_at;
        let until = ends.min(state.now + lifetime);
        state.admin_modes.insert(id.to_owned(), until);
        Ok(until)
    }

    async fn admin_mode_end(&mut self, id: &str) -> StoreResult<()> {
        self.call("admin_mode_end").admin_modes.remove(id);
        Ok(())
    }

    async fn api_key_delete_sessions(
        &mut self,
        user: UserId,
        except: Option<&str>,
    ) -> StoreResult<u64> {
        let state = self.call("api_key_delete_sessions");
        let keys = &mut state.keys;
        let before = keys.len();
        keys.retain(|(key, _)| {
            key.user_id != user || key.kind != ApiKeyKind::Session || except == Some(&key.id)
        });
        if let Some(except) = except {
            state.admin_modes.remove(except);
        }
        let keys = &state.keys;
        Ok(before
            .saturating_sub(keys.len())
            .try_into()
            .unwrap_or(u64::MAX))
    }
}
