//! Prices of models, and names that models go by elsewhere. Prices are micro-dollars for a million tokens, fees
//! micro-dollars for a thousand calls; `null` is not known, which is not free: 0 is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::AiProviderType;

/// Where a price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiModelPriceSource {
    /// It is built in, or stands in the operator's own price file.
    Default,
    /// It was set through the API.
    Custom,
}

/// Which prices of a model to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiModelPriceSelection {
    /// Those that are built in or stand in the operator's file.
    Default,
    /// Those that were set through the API.
    Custom,
    /// All.
    All,
}

/// The prices of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiModelPrice {
    /// The type of the provider that a request goes to.
    pub provider: AiProviderType,
    /// The model's name in requests.
    pub model: String,
    /// The model whose prices these are: another one for an alias, or for a variant of a model that is known.
    pub priced_model: String,
    /// Where they come from.
    pub source: AiModelPriceSource,
    /// Whether requests for this model are charged by them now.
    pub effective: bool,
    /// From when on they hold; `null` is always.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub effective_from: Option<DateTime<Utc>>,
    /// Tokens of the prompt that come from no cache.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub input_price: Option<i64>,
    /// Tokens of the answer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub output_price: Option<i64>,
    /// Tokens of the prompt that are read from the provider's cache.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_read_price: Option<i64>,
    /// Tokens of the prompt that are written to a cache that lives five minutes.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_write_price: Option<i64>,
    /// Tokens of the prompt that are written to a cache that lives an hour.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_write_1h_price: Option<i64>,
    /// Tokens of sound in the prompt.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub audio_input_price: Option<i64>,
    /// Tokens of sound in the answer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub audio_output_price: Option<i64>,
    /// A thousand searches of the web.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub web_search_price: Option<i64>,
    /// A thousand requests.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub request_price: Option<i64>,
    /// What is different for a long prompt, ascending.
    pub tiers: Vec<AiModelPriceTier>,
    /// The most tokens of a prompt, as far as it is known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub context_window: Option<i64>,
    /// The most tokens of an answer, as far as it is known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub max_output_tokens: Option<i64>,
    /// When they were set to what they are; `null` for those of the source `default`.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub updated_at: Option<DateTime<Utc>>,
}

/// Prices of a whole request whose prompt has so many tokens. What is absent or `null` is as below the tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiModelPriceTier {
    /// The number of tokens of the prompt, cached ones included, from which on they hold.
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 1, maximum = 1_000_000_000_000_i64)
    )]
    pub starts_at: i64,
    /// As of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_price: Option<i64>,
    /// As of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_price: Option<i64>,
    /// As of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_price: Option<i64>,
    /// As of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_price: Option<i64>,
    /// As of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h_price: Option<i64>,
    /// As of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input_price: Option<i64>,
    /// As of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output_price: Option<i64>,
    /// As of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_search_price: Option<i64>,
    /// As of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_price: Option<i64>,
}

/// Which prices to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ModelPriceListQuery {
    /// For one type of provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<AiProviderType>,
    /// For one model, named as a request would name it; case does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Which ones; when absent, of each model those that are effective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(inline))]
    pub source: Option<AiModelPriceSelection>,
}

/// Which custom prices to remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ModelPriceDeleteQuery {
    /// The type of provider.
    pub provider: AiProviderType,
    /// The model; case does not matter.
    pub model: String,
    /// Only those that hold from this instant on, in RFC 3339, or `always` for those without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<String>,
}

/// Prices to be set, all of them or none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpsertAiModelPricesRequest {
    /// The prices: no two of the same provider, model and `effective_from`.
    pub prices: Vec<UpsertAiModelPrice>,
}

/// The prices of a model to be set, whole. Of the first four each must be given, be it `null`, and one of `input_price`
/// and `output_price` must not be `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpsertAiModelPrice {
    /// The type of the provider that a request goes to.
    pub provider: AiProviderType,
    /// The model's name in requests; case does not matter.
    pub model: String,
    /// From when on they hold, until those of a later instant do; `null` is always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<DateTime<Utc>>,
    /// Tokens of the prompt that come from no cache.
    #[cfg_attr(
        feature = "openapi",
        schema(required, minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub input_price: Option<i64>,
    /// Tokens of the answer.
    #[cfg_attr(
        feature = "openapi",
        schema(required, minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub output_price: Option<i64>,
    /// Tokens of the prompt that are read from the provider's cache.
    #[cfg_attr(
        feature = "openapi",
        schema(required, minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub cache_read_price: Option<i64>,
    /// Tokens of the prompt that are written to a cache that lives five minutes.
    #[cfg_attr(
        feature = "openapi",
        schema(required, minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub cache_write_price: Option<i64>,
    /// Tokens of the prompt that are written to a cache that lives an hour; as five minutes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub cache_write_1h_price: Option<i64>,
    /// Tokens of sound in the prompt; as `input_price` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub audio_input_price: Option<i64>,
    /// Tokens of sound in the answer; as `output_price` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub audio_output_price: Option<i64>,
    /// A thousand searches of the web. When absent, requests with searches are refused while a limit applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub web_search_price: Option<i64>,
    /// A thousand requests; free when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub request_price: Option<i64>,
    /// What is different for a long prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<AiModelPriceTier>,
    /// The most tokens of a prompt; what is known of the model when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 1, maximum = 1_000_000_000_000_i64)
    )]
    pub context_window: Option<i64>,
    /// The most tokens of an answer; what is known of the model when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 1, maximum = 1_000_000_000_000_i64)
    )]
    pub max_output_tokens: Option<i64>,
}

impl UpsertAiModelPrice {
    /// Prices of which nothing is known yet: two must be told.
    #[must_use]
    pub fn new(provider: AiProviderType, model: impl Into<String>) -> Self {
        Self {
            provider,
            model: model.into(),
            effective_from: None,
            input_price: None,
            output_price: None,
            cache_read_price: None,
            cache_write_price: None,
            cache_write_1h_price: None,
            audio_input_price: None,
            audio_output_price: None,
            web_search_price: None,
            request_price: None,
            tiers: Vec::new(),
            context_window: None,
            max_output_tokens: None,
        }
    }
}

/// A name that a model goes by elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiModelAlias {
    /// The type of the provider that a request goes to.
    pub provider: AiProviderType,
    /// The name in requests, or a pattern in which `*` is any text.
    pub provider_model: String,
    /// The model whose prices hold for it.
    pub priced_model: String,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was last set to something else.
    pub updated_at: DateTime<Utc>,
}

/// An alias to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpsertAiModelAliasRequest {
    /// The type of the provider that a request goes to.
    pub provider: AiProviderType,
    /// The name in requests, or a pattern in which `*` is any text; case does not matter. The very name comes before
    /// patterns, and of those the one with the most letters.
    pub provider_model: String,
    /// The model whose prices hold for it. It is not looked up as an alias again.
    pub priced_model: String,
}

/// Which alias to remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ModelAliasDeleteQuery {
    /// The type of provider.
    pub provider: AiProviderType,
    /// The name or the pattern; case does not matter.
    pub provider_model: String,
}
