//! Prices and aliases as the wire shows them, and what is said of such as cannot be set.

use bursar_sdk::{
    AiModelAlias, AiModelPrice, AiModelPriceSource, AiModelPriceTier, ValidationError,
};
use model::{
    metering::UnitPrices,
    prices::{ListedPrice, PriceOrigin, PriceProblem, PriceTier, StoredAlias},
};

use crate::{error::ApiError, providers::wire_kind};

/// What is wrong with prices, in the words of the operation.
pub(super) fn invalid(message: &'static str, problems: Vec<PriceProblem>) -> ApiError {
    let validations = problems
        .into_iter()
        .map(|PriceProblem { field, detail }| ValidationError { field, detail });
    ApiError::Body {
        message,
        validations: validations.collect(),
    }
}

/// The same error, in the words of the operation when it is about fields of the body.
pub(super) fn named(error: ApiError, message: &'static str) -> ApiError {
    match error {
        ApiError::Body { validations, .. } => ApiError::Body {
            message,
            validations,
        },
        error => error,
    }
}

pub(super) fn price(listed: ListedPrice) -> AiModelPrice {
    let [
        input_price,
        output_price,
        cache_read_price,
        cache_write_price,
        cache_write_1h_price,
        audio_input_price,
        audio_output_price,
        web_search_price,
        request_price,
    ] = amounts(&listed.prices);
    AiModelPrice {
        provider: wire_kind(listed.provider),
        model: listed.model,
        priced_model: listed.priced_model,
        source: match listed.source {
            PriceOrigin::Default => AiModelPriceSource::Default,
            PriceOrigin::Custom => AiModelPriceSource::Custom,
        },
        effective: listed.effective,
        effective_from: listed.effective_from,
        input_price,
        output_price,
        cache_read_price,
        cache_write_price,
        cache_write_1h_price,
        audio_input_price,
        audio_output_price,
        web_search_price,
        request_price,
        tiers: listed.tiers.iter().map(tier).collect(),
        context_window: listed.context_window.map(number),
        max_output_tokens: listed.max_output_tokens.map(number),
        updated_at: listed.updated_at,
    }
}

fn tier(tier: &PriceTier) -> AiModelPriceTier {
    let [
        input_price,
        output_price,
        cache_read_price,
        cache_write_price,
        cache_write_1h_price,
        audio_input_price,
        audio_output_price,
        web_search_price,
        request_price,
    ] = amounts(&tier.prices);
    AiModelPriceTier {
        starts_at: number(tier.starts_at),
        input_price,
        output_price,
        cache_read_price,
        cache_write_price,
        cache_write_1h_price,
        audio_input_price,
        audio_output_price,
        web_search_price,
        request_price,
    }
}

fn amounts(prices: &UnitPrices) -> [Option<i64>; 9] {
    let UnitPrices {
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        audio_input,
        audio_output,
        web_searches,
        requests,
    } = *prices;
    [
        input,
        output,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        audio_input,
        audio_output,
        web_searches,
        requests,
    ]
    .map(|price| price.map(number))
}

/// Prices and counts have bounds far below.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn alias(stored: StoredAlias) -> AiModelAlias {
    AiModelAlias {
        provider: wire_kind(stored.alias.provider),
        provider_model: stored.alias.provider_model,
        priced_model: stored.alias.priced_model,
        created_at: stored.created_at,
        updated_at: stored.updated_at,
    }
}
