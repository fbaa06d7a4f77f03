//! AI providers, and their keys, which only the gateway reads.

use model::{Name, ProviderId, providers::Provider};
use rbac::{Action, Object, ResourceType};
use store::{
    StoreError, StoreResult,
    providers::{NewProvider, ProviderKey, ProviderUpdate},
};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule("provider_get", Shape::Fetch, &["ai_provider:read"], ""),
    rule(
        "provider_use",
        Shape::Fetch,
        &["ai_provider:use"],
        "before a request is sent through it",
    ),
    rule(
        "provider_list",
        Shape::Visibility,
        &["ai_provider:read"],
        "",
    ),
    rule("provider_create", Shape::Check, &["ai_provider:create"], ""),
    rule("provider_lock", Shape::Inside, &[], ""),
    rule("provider_update", Shape::Lock, &["ai_provider:update"], ""),
    rule("provider_delete", Shape::Lock, &["ai_provider:delete"], ""),
    rule(
        "provider_key_get",
        Shape::Check,
        &["ai_provider:use"],
        "system actors only",
    ),
];

wrapper! {
    /// AI providers without their keys, each call authorized.
    Providers
}

impl<U: store::ReadUnit + ?Sized> Providers<'_, U> {
    /// One provider by its unique name.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn provider_get(&mut self, name: &Name) -> StoreResult<Provider> {
        self.fetched(name, Action::Read).await
    }

    /// One provider, to send a request through.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn provider_use(&mut self, name: &Name) -> StoreResult<Provider> {
        self.fetched(name, Action::Use).await
    }

    /// The providers that the caller may read, by name.
    ///
    /// # Errors
    /// None of its own.
    pub async fn provider_list(&mut self) -> StoreResult<Vec<Provider>> {
        let visibility = self.gate.readable(ResourceType::AiProvider);
        self.unit.provider_list(&visibility).await
    }

    async fn fetched(&mut self, name: &Name, action: Action) -> StoreResult<Provider> {
        let provider = self
            .unit
            .provider_get(name)
            .await?
            .ok_or(StoreError::NotFound)?;
        self.gate.check(action, &object(provider.id))?;
        Ok(provider)
    }
}

impl<U: store::WriteUnit + ?Sized> Providers<'_, U> {
    /// Makes a provider.
    ///
    /// # Errors
    /// `Denied`; as [`store::providers::ProviderWrite::provider_create`].
    pub async fn provider_create(&mut self, new: &NewProvider) -> StoreResult<Provider> {
        self.gate
            .check(Action::Create, &Object::new(ResourceType::AiProvider))?;
        self.unit.provider_create(new).await
    }

    /// Changes a provider.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; as [`store::providers::ProviderWrite::provider_update`].
    pub async fn provider_update(
        &mut self,
        name: &Name,
        update: &ProviderUpdate,
    ) -> StoreResult<Provider> {
        let provider = self.locked(name, Action::Update).await?;
        self.unit.provider_update(provider.id, update).await
    }

    /// Removes a provider; its usage stays in the ledger.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn provider_delete(&mut self, name: &Name) -> StoreResult<()> {
        let provider = self.locked(name, Action::Delete).await?;
        self.unit.provider_delete(provider.id).await
    }

    async fn locked(&mut self, name: &Name, action: Action) -> StoreResult<Provider> {
        let provider = self
            .unit
            .provider_lock(name)
            .await?
            .ok_or(StoreError::NotFound)?;
        self.gate.check(action, &object(provider.id))?;
        Ok(provider)
    }
}

const fn object(id: ProviderId) -> Object {
    Object::ai_provider(Some(id.0))
}

wrapper! {
    /// The keys of AI providers. Reached by system actors only: no right of a person opens them.
    ProviderKeys
}

impl<U: store::ReadUnit + ?Sized> ProviderKeys<'_, U> {
    /// A provider's key, decrypted, and the version of the prices.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; as [`store::providers::ProviderRead::provider_key_get`].
    pub async fn provider_key_get(&mut self, id: ProviderId) -> StoreResult<ProviderKey> {
        // Before the call, so that nothing is decrypted for who may not see it.
        self.gate.check(Action::Use, &object(id))?;
        self.unit
            .provider_key_get(id)
            .await?
            .ok_or(StoreError::NotFound)
    }
}
