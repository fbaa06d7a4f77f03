//! Prices of models that this deployment sets itself.
//!
//! Triggers raise the version before a statement changes anything, so whoever changes prices does it alone.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz},
};
use model::{
    metering::UnitPrices,
    prices::{
        CustomPrice, CustomPrices, EffectiveDates, ModelAlias, PriceTier, ProviderKind,
        StoredAlias, StoredPrice,
    },
};
use serde::Deserialize;
use serde_json::Value;
use store::{
    StoreResult,
    prices::{PriceRead, PriceWrite},
};

use crate::{
    errors::internal,
    query::{Cached, changed, one, parse, run},
    unit::{Unit, Writing},
};

/// All of it as one row: one statement sees one moment. The keys are the columns'.
const BOOK: &str = "\
SELECT b.version, \
    (SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.id), '[]') FROM ai_model_prices AS p) AS prices, \
    (SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY a.id), '[]') FROM ai_model_aliases AS a) AS aliases \
FROM ai_price_book AS b";

#[derive(QueryableByName)]
struct BookRow {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Jsonb)]
    prices: Value,
    #[diesel(sql_type = Jsonb)]
    aliases: Value,
}

#[derive(Deserialize)]
struct PriceJson {
    provider: String,
    model: String,
    effective_from: Option<DateTime<Utc>>,
    input_price: Option<u64>,
    output_price: Option<u64>,
    cache_read_price: Option<u64>,
    cache_write_price: Option<u64>,
    cache_write_1h_price: Option<u64>,
    audio_input_price: Option<u64>,
    audio_output_price: Option<u64>,
    web_search_price: Option<u64>,
    request_price: Option<u64>,
    tiers: Vec<PriceTier>,
    context_window: Option<u64>,
    max_output_tokens: Option<u64>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl PriceJson {
    fn price(self) -> StoreResult<StoredPrice> {
        Ok(StoredPrice {
            price: CustomPrice {
                provider: parse("ai_model_prices.provider", &self.provider)?,
                model: self.model,
                effective_from: self.effective_from,
                prices: UnitPrices {
                    input: self.input_price,
                    cache_read: self.cache_read_price,
                    cache_write_5m: self.cache_write_price,
                    cache_write_1h: self.cache_write_1h_price,
                    output: self.output_price,
                    audio_input: self.audio_input_price,
                    audio_output: self.audio_output_price,
                    web_searches: self.web_search_price,
                    requests: self.request_price,
                },
                tiers: self.tiers,
                context_window: self.context_window,
                max_output_tokens: self.max_output_tokens,
            },
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

#[derive(Deserialize, QueryableByName)]
struct AliasRow {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    provider_model: String,
    #[diesel(sql_type = Text)]
    priced_model: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

impl AliasRow {
    fn alias(self) -> StoreResult<StoredAlias> {
        Ok(StoredAlias {
            alias: ModelAlias {
                provider: parse("ai_model_aliases.provider", &self.provider)?,
                provider_model: self.provider_model,
                priced_model: self.priced_model,
            },
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

#[async_trait]
impl<Mode: Send + Sync> PriceRead for Unit<Mode> {
    async fn price_book_get(&mut self) -> StoreResult<CustomPrices> {
        let book: BookRow = one(self.connection()?, Cached(sql_query(BOOK))).await?;
        let prices: Vec<PriceJson> = serde_json::from_value(book.prices).map_err(internal)?;
        let aliases: Vec<AliasRow> = serde_json::from_value(book.aliases).map_err(internal)?;
        Ok(CustomPrices {
            version: book.version,
            prices: prices
                .into_iter()
                .map(PriceJson::price)
                .collect::<StoreResult<_>>()?,
            aliases: aliases
                .into_iter()
                .map(AliasRow::alias)
                .collect::<StoreResult<_>>()?,
        })
    }
}

const UPSERT: &str = "\
INSERT INTO ai_model_prices AS p (provider, model, effective_from, input_price, output_price, cache_read_price, \
    cache_write_price, cache_write_1h_price, audio_input_price, audio_output_price, web_search_price, \
    request_price, tiers, context_window, max_output_tokens) \
SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
ON CONFLICT (provider, lower(model), coalesce(effective_from, '-infinity'::timestamptz)) DO UPDATE SET \
    model = excluded.model, input_price = excluded.input_price, output_price = excluded.output_price, \
    cache_read_price = excluded.cache_read_price, cache_write_price = excluded.cache_write_price, \
    cache_write_1h_price = excluded.cache_write_1h_price, audio_input_price = excluded.audio_input_price, \
    audio_output_price = excluded.audio_output_price, web_search_price = excluded.web_search_price, \
    request_price = excluded.request_price, tiers = excluded.tiers, context_window = excluded.context_window, \
    max_output_tokens = excluded.max_output_tokens, updated_at = bursar_now() \
WHERE (p.model, p.input_price, p.output_price, p.cache_read_price, p.cache_write_price, p.cache_write_1h_price, \
    p.audio_input_price, p.audio_output_price, p.web_search_price, p.request_price, p.tiers, p.context_window, \
    p.max_output_tokens) \
    IS DISTINCT FROM (excluded.model, excluded.input_price, excluded.output_price, excluded.cache_read_price, \
    excluded.cache_write_price, excluded.cache_write_1h_price, excluded.audio_input_price, \
    excluded.audio_output_price, excluded.web_search_price, excluded.request_price, excluded.tiers, \
    excluded.context_window, excluded.max_output_tokens)";

const DELETE: &str = "\
DELETE FROM ai_model_prices WHERE provider = $1 AND lower(model) = lower($2) \
    AND ($3 OR effective_from IS NOT DISTINCT FROM $4)";

const ALIAS_UPSERT: &str = "\
INSERT INTO ai_model_aliases AS a (provider, provider_model, priced_model) VALUES ($1, $2, $3) \
ON CONFLICT (provider, lower(provider_model)) DO UPDATE SET provider_model = excluded.provider_model, \
    priced_model = excluded.priced_model, \
    updated_at = CASE WHEN (a.provider_model, a.priced_model) \
        IS DISTINCT FROM (excluded.provider_model, excluded.priced_model) THEN bursar_now() ELSE a.updated_at END \
RETURNING provider, provider_model, priced_model, created_at, updated_at";

const ALIAS_DELETE: &str =
    "DELETE FROM ai_model_aliases WHERE provider = $1 AND lower(provider_model) = lower($2)";

#[async_trait]
impl PriceWrite for Unit<Writing> {
    async fn model_price_upsert(&mut self, prices: &[CustomPrice]) -> StoreResult<u64> {
        let texts = |of: fn(&CustomPrice) -> &str| prices.iter().map(of).collect::<Vec<_>>();
        let numbers = |of: fn(&CustomPrice) -> Option<u64>| {
            let stored = |price| of(price).map(|number| i64::try_from(number).unwrap_or(i64::MAX));
            prices.iter().map(stored).collect::<Vec<_>>()
        };
        let dates: Vec<_> = prices.iter().map(|price| price.effective_from).collect();
        let tiers = prices
            .iter()
            .map(|price| serde_json::to_value(&price.tiers));
        let tiers: Vec<_> = tiers.collect::<Result<_, _>>().map_err(internal)?;
        let upsert = sql_query(UPSERT)
            .bind::<Array<Text>, _>(texts(|price| price.provider.as_str()))
            .bind::<Array<Text>, _>(texts(|price| &price.model))
            .bind::<Array<Nullable<Timestamptz>>, _>(dates)
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.prices.input))
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.prices.output))
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.prices.cache_read))
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.prices.cache_write_5m))
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.prices.cache_write_1h))
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.prices.audio_input))
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.prices.audio_output))
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.prices.web_searches))
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.prices.requests))
            .bind::<Array<Jsonb>, _>(tiers)
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.context_window))
            .bind::<Array<Nullable<BigInt>>, _>(numbers(|price| price.max_output_tokens));
        run(self.connection()?, Cached(upsert)).await.map(changed)
    }

    async fn model_price_delete(
        &mut self,
        provider: ProviderKind,
        model: &str,
        dates: EffectiveDates,
    ) -> StoreResult<u64> {
        let (all, from) = match dates {
            EffectiveDates::All => (true, None),
            EffectiveDates::Always => (false, None),
            EffectiveDates::From(at) => (false, Some(at)),
        };
        let delete = sql_query(DELETE)
            .bind::<Text, _>(provider.as_str())
            .bind::<Text, _>(model.to_owned())
            .bind::<diesel::sql_types::Bool, _>(all)
            .bind::<Nullable<Timestamptz>, _>(from);
        run(self.connection()?, Cached(delete)).await.map(changed)
    }

    async fn model_alias_upsert(&mut self, alias: &ModelAlias) -> StoreResult<StoredAlias> {
        let upsert = sql_query(ALIAS_UPSERT)
            .bind::<Text, _>(alias.provider.as_str())
            .bind::<Text, _>(alias.provider_model.clone())
            .bind::<Text, _>(alias.priced_model.clone());
        let stored: AliasRow = one(self.connection()?, Cached(upsert)).await?;
        stored.alias()
    }

    async fn model_alias_delete(
        &mut self,
        provider: ProviderKind,
        provider_model: &str,
    ) -> StoreResult<bool> {
        let delete = sql_query(ALIAS_DELETE)
            .bind::<Text, _>(provider.as_str())
            .bind::<Text, _>(provider_model.to_owned());
        Ok(run(self.connection()?, Cached(delete)).await? > 0)
    }
}
