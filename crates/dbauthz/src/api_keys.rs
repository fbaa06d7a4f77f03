//! Sessions and API tokens.

use chrono::{DateTime, Utc};
use model::{
    UserId,
    api_keys::{ApiKey, ApiKeyKind, KeyStamp, KeyStanding, NewApiKey},
};
use rbac::{Action, Object, ResourceType, ScopeSet};
use store::{StoreError, StoreResult};

use crate::{
    Actor,
    assignments::may_become,
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule("api_key_get", Shape::Fetch, &["api_key:read"], ""),
    rule(
        "api_key_list",
        Shape::Check,
        &["api_key:read"],
        "the person's tokens",
    ),
    rule(
        "api_key_create",
        Shape::Check,
        &["api_key:create", "give a role"],
        "the presented key must cover the new scope and allow-list, and only a session in admin mode covers \
         `admin_mode`; in another's name locks the account, and each \
         role held there must be one that the caller may give; sessions are made by system actors only",
    ),
    rule("api_key_lock", Shape::Inside, &[], ""),
    rule("api_key_delete", Shape::Lock, &["api_key:delete"], ""),
    rule(
        "api_key_delete_sessions",
        Shape::Inside,
        &[],
        "in `user_password_update`",
    ),
    rule(
        "admin_mode_begin",
        Shape::Lock,
        &["api_key:update"],
        "system actors only",
    ),
    rule(
        "admin_mode_end",
        Shape::Lock,
        &["api_key:update"],
        "system actors only",
    ),
    rule(
        "key_stamp_get",
        Shape::Fetch,
        &["api_key:read"],
        "system actors only",
    ),
    rule(
        "key_standing_list",
        Shape::Check,
        &["api_key:read"],
        "everybody's keys; system actors only",
    ),
];

wrapper! {
    /// Sessions and API tokens, each call authorized.
    ApiKeys
}

impl<U: store::ReadUnit + ?Sized> ApiKeys<'_, U> {
    /// One key, without its secret.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn api_key_get(&mut self, id: &str) -> StoreResult<ApiKey> {
        let key = self
            .unit
            .api_key_get(id)
            .await?
            .ok_or(StoreError::NotFound)?;
        self.gate
            .check(Action::Read, &Object::api_key(None, key.user_id.0))?;
        Ok(key)
    }

    /// The API tokens of a person, newest first; sessions are not among them.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn api_key_list(&mut self, user: UserId) -> StoreResult<Vec<ApiKey>> {
        self.gate
            .check(Action::Read, &Object::api_key(None, user.0))?;
        self.unit.api_key_list(user).await
    }
}

impl<U: store::WriteUnit + ?Sized> ApiKeys<'_, U> {
    /// Makes a key. A person makes tokens only, and none that may do more than the key they came with.
    ///
    /// # Errors
    /// `Denied`; `RoleNotAssignable` for an account above the caller; `Refused` for a scope that the
    /// presented key does not cover; as [`store::api_keys::ApiKeyWrite::api_key_create`].
    pub async fn api_key_create(&mut self, new: &NewApiKey) -> StoreResult<ApiKey> {
        self.gate
            .check(Action::Create, &Object::api_key(None, new.user_id.0))?;
        if let Some(actor) = self.gate.actor() {
            covered(actor, new)?;
            if actor.user_id != new.user_id {
                let user = self.unit.user_lock(new.user_id).await?;
                let user = user.ok_or(StoreError::NotFound)?;
                may_become(self.gate, self.unit, &user).await?;
            }
        }
        self.unit.api_key_create(new).await
    }

    /// Ends a key.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn api_key_delete(&mut self, id: &str) -> StoreResult<()> {
        let key = self.unit.api_key_lock(id).await?;
        let key = key.ok_or(StoreError::NotFound)?;
        self.gate
            .check(Action::Delete, &Object::api_key(None, key.user_id.0))?;
        self.unit.api_key_delete(id).await
    }
}

/// Refuses a key that the presented one does not cover.
fn covered(actor: &Actor, new: &NewApiKey) -> StoreResult<()> {
    if new.kind == ApiKeyKind::Session {
        return Err(StoreError::Refused(
            "A session is made by signing in only.".to_owned(),
        ));
    }
    let asked = ScopeSet::parse(&new.scopes, Some(&new.allow_list));
    let asked = asked.map_err(|error| StoreError::Refused(error.to_string()))?;
    // Only whoever has just proved who they are: a token that was taken makes no other.
    let session = actor.key.kind == ApiKeyKind::Session && actor.key.admin_mode;
    if asked.admin_mode() && !session {
        let text = "A token with the scope `admin_mode` is made by a session in admin mode only.";
        return Err(StoreError::Refused(text.to_owned()));
    }
    let own = if session {
        &actor.key.scopes.clone().in_admin_mode()
    } else {
        &actor.key.scopes
    };
    if own.covers(&asked) {
        return Ok(());
    }
    let text = "A token can only make tokens that its own scopes and allow-list cover.";
    Err(StoreError::Refused(text.to_owned()))
}

wrapper! {
    /// Keys that callers present. Reached by system actors only.
    PresentedKeys
}

impl<U: store::ReadUnit + ?Sized> PresentedKeys<'_, U> {
    /// A key with its owner's standing and versions.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn key_stamp_get(&mut self, id: &str) -> StoreResult<Option<KeyStamp>> {
        let found = self.unit.key_stamp_get(id).await?;
        if let Some(stamp) = &found {
            self.gate
                .check(Action::Read, &Object::api_key(None, stamp.key.user_id.0))?;
        }
        Ok(found)
    }

    /// How these keys stand; those that are gone are missing.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn key_standing_list(&mut self, ids: &[String]) -> StoreResult<Vec<KeyStanding>> {
        self.gate
            .check(Action::Read, &Object::new(ResourceType::ApiKey))?;
        self.unit.key_standing_list(ids).await
    }
}

impl<U: store::WriteUnit + ?Sized> PresentedKeys<'_, U> {
    /// Puts a session whose owner has proved again who they are into admin mode. Returns until when.
    ///
    /// # Errors
    /// `NotFound`, also for what is no session or has ended; `Denied`.
    pub async fn admin_mode_begin(
        &mut self,
        id: &str,
        lifetime: chrono::Duration,
    ) -> StoreResult<DateTime<Utc>> {
        self.lock(id).await?;
        self.unit.admin_mode_begin(id, lifetime).await
    }

    /// Takes a session out of admin mode.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn admin_mode_end(&mut self, id: &str) -> StoreResult<()> {
        self.lock(id).await?;
        self.unit.admin_mode_end(id).await
    }

    async fn lock(&mut self, id: &str) -> StoreResult<()> {
        let key = self.unit.api_key_lock(id).await?;
        let key = key.ok_or(StoreError::NotFound)?;
        let object = Object::api_key(None, key.user_id.0);
        self.gate.check(Action::Update, &object)
    }
}
