//! Prices of models that this deployment sets itself.

use async_trait::async_trait;
use model::prices::{
    CustomPrice, CustomPrices, EffectiveDates, ModelAlias, ProviderKind, StoredAlias,
};

use crate::StoreResult;

/// Reads prices of models that this deployment sets itself.
#[async_trait]
pub trait PriceRead: Send {
    /// All prices and aliases, and their version, as of one moment.
    async fn price_book_get(&mut self) -> StoreResult<CustomPrices>;
}

/// Changes prices of models that this deployment sets itself. Whoever does has all others wait until the unit ends.
#[async_trait]
pub trait PriceWrite: PriceRead {
    /// Sets prices, each whole; no two of the same provider, model and instant. One that is set already keeps its
    /// `created_at`, and when nothing changes also its `updated_at`. How many were new or changed.
    async fn model_price_upsert(&mut self, prices: &[CustomPrice]) -> StoreResult<u64>;
    /// Removes a model's custom prices, the model named without regard to case; how many there were.
    async fn model_price_delete(
        &mut self,
        provider: ProviderKind,
        model: &str,
        dates: EffectiveDates,
    ) -> StoreResult<u64>;
    /// Sets an alias: one of that name leads to the model from then on. One that is set already changes nothing.
    async fn model_alias_upsert(&mut self, alias: &ModelAlias) -> StoreResult<StoredAlias>;
    /// Removes an alias, named without regard to case; whether there was one.
    async fn model_alias_delete(
        &mut self,
        provider: ProviderKind,
        provider_model: &str,
    ) -> StoreResult<bool>;
}
