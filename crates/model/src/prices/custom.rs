//! Prices and aliases that this deployment sets itself, as they are kept.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ProviderKind;
use crate::metering::UnitPrices;

/// The most bytes that a model's name or a pattern has.
pub const MODEL_NAME_MAX_BYTES: usize = 256;

/// The highest price, in micros: a million dollars per million tokens. Beyond it a price is a mistake of units.
pub const PRICE_MAX_MICROS: u64 = 1_000_000_000_000;

/// The most tiers that one set of prices has.
pub const PRICE_TIERS_MAX: usize = 16;

/// Prices that hold from a size of the prompt on, for the whole request. What a tier does not name is as below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceTier {
    /// The number of tokens of the prompt, cached ones included, at which it begins; above 0.
    pub starts_at: u64,
    /// What is different from there on.
    pub prices: UnitPrices,
}

/// The prices of one model of one type of provider, from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomPrice {
    /// The type of the provider that a request goes to.
    pub provider: ProviderKind,
    /// The model's name as requests have it; case does not matter.
    pub model: String,
    /// From when on they hold, until those of a later instant do; `None` is always.
    pub effective_from: Option<DateTime<Utc>>,
    /// The prices of a request that reaches no tier.
    pub prices: UnitPrices,
    /// Ascending by their starts.
    pub tiers: Vec<PriceTier>,
    /// The most tokens of a prompt; `None` is what the price book says of the model.
    pub context_window: Option<u64>,
    /// The most tokens of an answer; `None` is what the price book says of the model.
    pub max_output_tokens: Option<u64>,
}

/// A custom price as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPrice {
    /// The price.
    pub price: CustomPrice,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was last set to something else.
    pub updated_at: DateTime<Utc>,
}

/// A name that a model goes by elsewhere, a deployment's for example, and the model whose prices hold for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAlias {
    /// The type of the provider.
    pub provider: ProviderKind,
    /// The name, or a pattern in which `*` is any text; case does not matter.
    pub provider_model: String,
    /// The model that it is priced as. It is never looked up as an alias again, so there are no circles.
    pub priced_model: String,
}

/// An alias as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAlias {
    /// The alias.
    pub alias: ModelAlias,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was last set to something else.
    pub updated_at: DateTime<Utc>,
}

/// Everything that this deployment set, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomPrices {
    /// Raised by every change; equal versions hold equal prices.
    pub version: i64,
    /// The prices.
    pub prices: Vec<StoredPrice>,
    /// The aliases.
    pub aliases: Vec<StoredAlias>,
}

/// Which rows of a model's custom prices are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectiveDates {
    /// All of them.
    All,
    /// The one that holds always.
    Always,
    /// The one that holds from this instant on.
    From(DateTime<Utc>),
}
