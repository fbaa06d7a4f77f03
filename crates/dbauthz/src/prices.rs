//! Prices of models that this deployment sets itself. They are the deployment's: nobody owns one.

use model::prices::{
    CustomPrice, CustomPrices, EffectiveDates, ModelAlias, ProviderKind, StoredAlias,
};
use rbac::{Action, Object, ResourceType};
use store::StoreResult;

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const UPDATE: &[&str] = &["ai_model_price:update"];

pub(crate) const RULES: &[Rule] = &[
    rule("price_book_get", Shape::Check, &["ai_model_price:read"], ""),
    rule("model_price_upsert", Shape::Check, UPDATE, ""),
    rule("model_price_delete", Shape::Check, UPDATE, ""),
    rule("model_alias_upsert", Shape::Check, UPDATE, ""),
    rule("model_alias_delete", Shape::Check, UPDATE, ""),
];

wrapper! {
    /// Prices of models that this deployment sets itself, each call authorized.
    Prices
}

impl<U: ?Sized> Prices<'_, U> {
    fn check(&self, action: Action) -> StoreResult<()> {
        self.gate
            .check(action, &Object::new(ResourceType::AiModelPrice))
    }
}

impl<U: store::ReadUnit + ?Sized> Prices<'_, U> {
    /// All prices and aliases, and their version.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn price_book_get(&mut self) -> StoreResult<CustomPrices> {
        self.check(Action::Read)?;
        self.unit.price_book_get().await
    }
}

impl<U: store::WriteUnit + ?Sized> Prices<'_, U> {
    /// Sets prices; how many were new or changed.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn model_price_upsert(&mut self, prices: &[CustomPrice]) -> StoreResult<u64> {
        self.check(Action::Update)?;
        self.unit.model_price_upsert(prices).await
    }

    /// Removes a model's custom prices; how many there were.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn model_price_delete(
        &mut self,
        provider: ProviderKind,
        model: &str,
        dates: EffectiveDates,
    ) -> StoreResult<u64> {
        self.check(Action::Update)?;
        self.unit.model_price_delete(provider, model, dates).await
    }

    /// Sets an alias.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn model_alias_upsert(&mut self, alias: &ModelAlias) -> StoreResult<StoredAlias> {
        self.check(Action::Update)?;
        self.unit.model_alias_upsert(alias).await
    }

    /// Removes an alias; whether there was one.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn model_alias_delete(
        &mut self,
        provider: ProviderKind,
        provider_model: &str,
    ) -> StoreResult<bool> {
        self.check(Action::Update)?;
        self.unit.model_alias_delete(provider, provider_model).await
    }
}
