//! The fake's prices. They are kept as they come.

use async_trait::async_trait;
use model::prices::{
    CustomPrice, CustomPrices, EffectiveDates, ModelAlias, ProviderKind, StoredAlias, StoredPrice,
};
use store::{
    StoreResult,
    prices::{PriceRead, PriceWrite},
};

use super::FakeUnit;

#[async_trait]
impl PriceRead for FakeUnit {
    async fn price_book_get(&mut self) -> StoreResult<CustomPrices> {
        Ok(self.call("price_book_get").prices.clone())
    }
}

#[async_trait]
impl PriceWrite for FakeUnit {
    async fn model_price_upsert(&mut self, prices: &[CustomPrice]) -> StoreResult<u64> {
        let state = self.call("model_price_upsert");
        let now = state.now;
        for price in prices {
            let same = |old: &StoredPrice| {
                (
                    old.price.provider,
                    &old.price.model,
                    old.price.effective_from,
                ) == (price.provider, &price.model, price.effective_from)
            };
            state.prices.prices.retain(|old| !same(old));
            state.prices.prices.push(StoredPrice {
                price: price.clone(),
                created_at: now,
                updated_at: now,
            });
        }
        state.prices.version += 1;
        Ok(prices.len().try_into().unwrap_or(u64::MAX))
    }

    async fn model_price_delete(
        &mut self,
        provider: ProviderKind,
        model: &str,
        dates: EffectiveDates,
    ) -> StoreResult<u64> {
        let prices = &mut self.call("model_price_delete").prices;
        let before = prices.prices.len();
        prices.prices.retain(|old| {
            let old = &old.price;
            let meant = match dates {
                EffectiveDates::All => true,
                EffectiveDates::Always => old.effective_from.is_none(),
                EffectiveDates::From(at) => old.effective_from == Some(at),
            };
            !(old.provider == provider && old.model == model && meant)
        });
        prices.version += 1;
        let removed = before - prices.prices.len();
        Ok(removed.try_into().unwrap_or(u64::MAX))
    }

    async fn model_alias_upsert(&mut self, alias: &ModelAlias) -> StoreResult<StoredAlias> {
        let state = self.call("model_alias_upsert");
        let stored = StoredAlias {
            alias: alias.clone(),
            created_at: state.now,
            updated_at: state.now,
        };
        let aliases = &mut state.prices.aliases;
        aliases.retain(|old| {
            (old.alias.provider, &old.alias.provider_model)
                != (alias.provider, &alias.provider_model)
        });
        aliases.push(stored.clone());
        state.prices.version += 1;
        Ok(stored)
    }

    async fn model_alias_delete(
        &mut self,
        provider: ProviderKind,
        provider_model: &str,
    ) -> StoreResult<bool> {
        let prices = &mut self.call("model_alias_delete").prices;
        let before = prices.aliases.len();
        prices.aliases.retain(|old| {
            (old.alias.provider, old.alias.provider_model.as_str()) != (provider, provider_model)
        });
        prices.version += 1;
        Ok(before > prices.aliases.len())
    }
}
