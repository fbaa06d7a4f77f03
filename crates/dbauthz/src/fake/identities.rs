//! The fake's links, and its sign-ins under way.

use async_trait::async_trait;
use model::{
    UserId,
    identities::{Identity, NewOidcLogin, OidcLogin, UserLink},
};
use store::{
    StoreError, StoreResult,
    identities::{IdentityRead, IdentityWrite},
};

use super::{FakeUnit, State};

impl State {
    fn link(&mut self, identity: &Identity) -> Option<&mut UserLink> {
        let mut links = self.user_links.iter_mut();
        links.find(|link| link.identity == *identity)
    }
}

#[async_trait]
impl IdentityRead for FakeUnit {
    async fn user_link_get(&mut self, identity: &Identity) -> StoreResult<Option<UserLink>> {
        Ok(self.call("user_link_get").link(identity).cloned())
    }

    async fn user_link_list(&mut self, user: UserId) -> StoreResult<Vec<UserLink>> {
        let mut links = self.call("user_link_list").user_links.clone();
        links.retain(|link| link.user_id == user);
        Ok(links)
    }
}

#[async_trait]
impl IdentityWrite for FakeUnit {
    async fn oidc_login_create(&mut self, login: &NewOidcLogin) -> StoreResult<()> {
        let state = self.call("oidc_login_create");
        state.oidc_logins.push(login.clone());
        Ok(())
    }

    async fn oidc_login_take(
        &mut self,
        state_hash: &[u8; 32],
        browser_hash: &[u8; 32],
    ) -> StoreResult<Option<OidcLogin>> {
        let logins = &mut self.call("oidc_login_take").oidc_logins;
        let matches = |login: &NewOidcLogin| {
            login.state_hash == *state_hash && login.browser_hash == *browser_hash
        };
        let found = logins.iter().position(matches);
        Ok(found.map(|at| {
            let taken = logins.remove(at);
            OidcLogin {
                nonce: taken.nonce,
                pkce_verifier: taken.pkce_verifier,
                redirect: taken.redirect,
                admin_mode_key: taken.admin_mode_key,
                age: chrono::Duration::zero(),
            }
        }))
    }

    async fn user_link_lock(&mut self, identity: &Identity) -> StoreResult<Option<UserLink>> {
        Ok(self.call("user_link_lock").link(identity).cloned())
    }

    async fn user_link_create(
        &mut self,
        identity: &Identity,
        user: UserId,
    ) -> StoreResult<UserLink> {
        let state = self.call("user_link_create");
        let link = UserLink {
            identity: identity.clone(),
            user_id: user,
            created_at: state.now,
            last_login_at: state.now,
        };
        state.user_links.push(link.clone());
        Ok(link)
    }

    async fn user_link_seen(&mut self, identity: &Identity) -> StoreResult<()> {
        let state = self.call("user_link_seen");
        let now = state.now;
        let link = state.link(identity).ok_or(StoreError::NotFound)?;
        link.last_login_at = now;
        Ok(())
    }
}
