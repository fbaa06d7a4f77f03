//! Accounts at an identity provider, and sign-ins under way there.

use async_trait::async_trait;
use model::{
    UserId,
    identities::{Identity, NewOidcLogin, OidcLogin, UserLink},
};

use crate::StoreResult;

/// Reads links. Those of deleted accounts are never seen.
#[async_trait]
pub trait IdentityRead: Send {
    /// The link of a person at an identity provider.
    async fn user_link_get(&mut self, identity: &Identity) -> StoreResult<Option<UserLink>>;
    /// The links of an account, oldest first.
    async fn user_link_list(&mut self, user: UserId) -> StoreResult<Vec<UserLink>>;
}

/// Changes links, and keeps sign-ins under way.
#[async_trait]
pub trait IdentityWrite: IdentityRead {
    /// Keeps a sign-in that begins, for [`model::identities::OIDC_LOGIN_LIFETIME`]. Those that have ended are
    /// forgotten, and the oldest when there are more than [`model::identities::OIDC_LOGINS_MAX`].
    async fn oidc_login_create(&mut self, login: &NewOidcLogin) -> StoreResult<()>;
    /// Takes a sign-in whose answer has come, to this browser: once, however often it comes. `None` when there
    /// is none, it has ended, or another browser began it.
    async fn oidc_login_take(
        &mut self,
        state_hash: &[u8; 32],
        browser_hash: &[u8; 32],
    ) -> StoreResult<Option<OidcLogin>>;
    /// The link of a person at an identity provider, or the lack of one, held still until the unit ends: who
    /// signs in for the first time twice at once is made one account.
    async fn user_link_lock(&mut self, identity: &Identity) -> StoreResult<Option<UserLink>>;
    /// Links an account, which is locked against deletion until the unit ends.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when there is no such account; [`crate::StoreError::Taken`] with
    /// `user_links_pkey`, or with `user_links_user_id_issuer_key` when the account has a link of this issuer.
    async fn user_link_create(
        &mut self,
        identity: &Identity,
        user: UserId,
    ) -> StoreResult<UserLink>;
    /// Stamps the present instant as the last sign-in by a link; not audited.
    async fn user_link_seen(&mut self, identity: &Identity) -> StoreResult<()>;
}
