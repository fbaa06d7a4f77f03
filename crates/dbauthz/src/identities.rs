//! Accounts at an identity provider, and sign-ins under way there.

use model::{
    UserId,
    identities::{Identity, NewOidcLogin, OidcLogin, UserLink},
};
use rbac::{Action, Object, ResourceType};
use store::StoreResult;

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "oidc_login_create",
        Shape::Check,
        &["user:update_personal"],
        "system actors only; of nobody yet, so of everybody",
    ),
    rule(
        "oidc_login_take",
        Shape::Check,
        &["user:update_personal"],
        "system actors only; of nobody yet, so of everybody",
    ),
    rule(
        "user_link_get",
        Shape::Fetch,
        &["user:read_personal"],
        "system actors only",
    ),
    rule(
        "user_link_list",
        Shape::Check,
        &["user:read_personal"],
        "system actors only",
    ),
    rule(
        "user_link_lock",
        Shape::Fetch,
        &["user:read_personal"],
        "system actors only",
    ),
    rule(
        "user_link_create",
        Shape::Check,
        &["user:update_personal"],
        "system actors only",
    ),
    rule(
        "user_link_seen",
        Shape::Lock,
        &["user:update_personal"],
        "system actors only",
    ),
];

wrapper! {
    /// Accounts at an identity provider, and sign-ins under way there. Reached by system actors only.
    Identities
}

impl<U: store::ReadUnit + ?Sized> Identities<'_, U> {
    /// The link of a person at an identity provider.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn user_link_get(&mut self, identity: &Identity) -> StoreResult<Option<UserLink>> {
        let found = self.unit.user_link_get(identity).await?;
        self.readable(found)
    }

    /// The links of an account, oldest first.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn user_link_list(&mut self, user: UserId) -> StoreResult<Vec<UserLink>> {
        self.gate
            .check(Action::ReadPersonal, &Object::user(user.0))?;
        self.unit.user_link_list(user).await
    }

    fn readable(&self, found: Option<UserLink>) -> StoreResult<Option<UserLink>> {
        if let Some(link) = &found {
            let user = Object::user(link.user_id.0);
            self.gate.check(Action::ReadPersonal, &user)?;
        }
        Ok(found)
    }
}

impl<U: store::WriteUnit + ?Sized> Identities<'_, U> {
    /// Keeps a sign-in that begins.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn oidc_login_create(&mut self, login: &NewOidcLogin) -> StoreResult<()> {
        self.anybody()?;
        self.unit.oidc_login_create(login).await
    }

    /// Takes a sign-in whose answer has come, to this browser, once.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn oidc_login_take(
        &mut self,
        state_hash: &[u8; 32],
        browser_hash: &[u8; 32],
    ) -> StoreResult<Option<OidcLogin>> {
        self.anybody()?;
        self.unit.oidc_login_take(state_hash, browser_hash).await
    }

    /// The link of a person at an identity provider, or the lack of one, held still until the unit ends.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn user_link_lock(&mut self, identity: &Identity) -> StoreResult<Option<UserLink>> {
        let found = self.unit.user_link_lock(identity).await?;
        self.readable(found)
    }

    /// Links an account.
    ///
    /// # Errors
    /// `Denied`; as [`store::identities::IdentityWrite::user_link_create`].
    pub async fn user_link_create(
        &mut self,
        identity: &Identity,
        user: UserId,
    ) -> StoreResult<UserLink> {
        self.gate
            .check(Action::UpdatePersonal, &Object::user(user.0))?;
        self.unit.user_link_create(identity, user).await
    }

    /// Stamps the present instant as the last sign-in by a link.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn user_link_seen(&mut self, identity: &Identity) -> StoreResult<()> {
        let found = self.unit.user_link_lock(identity).await?;
        let link = found.ok_or(store::StoreError::NotFound)?;
        self.gate
            .check(Action::UpdatePersonal, &Object::user(link.user_id.0))?;
        self.unit.user_link_seen(identity).await
    }

    /// Refuses who may not sign people in, whoever they are.
    fn anybody(&self) -> StoreResult<()> {
        let anybody = Object::new(ResourceType::User);
        self.gate.check(Action::UpdatePersonal, &anybody)
    }
}
