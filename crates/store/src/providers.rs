//! AI providers and their keys, which are encrypted at rest and leave the store for the gateway only.

use async_trait::async_trait;
use model::{Name, ProviderId, prices::ProviderKind, providers::Provider};
use rbac::Visibility;
use secrecy::SecretString;

use crate::StoreResult;

/// A provider to be made.
#[derive(Debug, Clone)]
pub struct NewProvider {
    /// Its id.
    pub id: ProviderId,
    /// Its unique name in gateway addresses.
    pub name: Name,
    /// The wire format and price list it follows.
    pub kind: ProviderKind,
    /// Where requests go.
    pub base_url: url::Url,
    /// The key that the provider knows this deployment by.
    pub api_key: SecretString,
}

/// A change of a provider; `None` leaves a value as it is.
#[derive(Debug, Clone, Default)]
pub struct ProviderUpdate {
    /// A new unique name.
    pub name: Option<Name>,
    /// A new address; the caller has checked that a key comes with it.
    pub base_url: Option<url::Url>,
    /// A new key.
    pub api_key: Option<SecretString>,
}

/// What a request needs to be sent to a provider and priced.
#[derive(Debug, Clone)]
pub struct ProviderKey {
    /// The key that the provider knows this deployment by.
    pub api_key: SecretString,
    /// The version of the prices and aliases that the deployment set itself, at this moment
    /// ([`model::prices::CustomPrices`]): told here so that nobody has to ask for it with a question of its own.
    pub price_version: i64,
}

/// Reads providers.
#[async_trait]
pub trait ProviderRead: Send {
    /// One provider by its unique name, without regard to case.
    async fn provider_get(&mut self, name: &Name) -> StoreResult<Option<Provider>>;
    /// The providers that the visibility admits, by name.
    async fn provider_list(&mut self, visibility: &Visibility) -> StoreResult<Vec<Provider>>;
    /// A provider's key, decrypted, and the version of the prices.
    ///
    /// # Errors
    /// [`crate::StoreError::Internal`] when it was sealed with another encryption key.
    async fn provider_key_get(&mut self, id: ProviderId) -> StoreResult<Option<ProviderKey>>;
}

/// Changes providers.
#[async_trait]
pub trait ProviderWrite: ProviderRead {
    /// Makes a provider.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `ai_providers_name_key`.
    async fn provider_create(&mut self, new: &NewProvider) -> StoreResult<Provider>;
    /// One provider by its unique name, without regard to case, its row locked until the unit ends.
    async fn provider_lock(&mut self, name: &Name) -> StoreResult<Option<Provider>>;
    /// Changes a provider.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `ai_providers_name_key`.
    async fn provider_update(
        &mut self,
        id: ProviderId,
        update: &ProviderUpdate,
    ) -> StoreResult<Provider>;
    /// Removes a provider; its usage stays in the ledger.
    async fn provider_delete(&mut self, id: ProviderId) -> StoreResult<()>;
}
