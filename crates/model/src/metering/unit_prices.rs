//! Prices per unit, and the copy of them that is kept with every usage event.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Where a price was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// What the deployment set itself, through the API.
    Custom,
    /// The operator's own price file.
    OperatorFile,
    /// The price file that is built into the program.
    File,
    /// The catalogue of the crate `genai-prices`.
    Catalog,
}

/// Prices as written in a price book, in micros per million tokens; fees in micros per thousand calls.
/// `None` is "not known", which is not free: see the table at the top of this module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitPrices {
    /// Uncached prompt tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Prompt tokens read from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Prompt tokens written to a five-minute cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<u64>,
    /// Prompt tokens written to a one-hour cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<u64>,
    /// Tokens of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Audio tokens of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<u64>,
    /// Audio tokens of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<u64>,
    /// A thousand web searches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_searches: Option<u64>,
    /// A thousand requests. Every request that is settled is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
}

impl UnitPrices {
    /// Whether a token of any kind has a price, be it 0.
    #[must_use]
    pub const fn priced(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }

    /// These prices, and those of `below` where these name none.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            input: self.input.or(below.input),
            cache_read: self.cache_read.or(below.cache_read),
            cache_write_5m: self.cache_write_5m.or(below.cache_write_5m),
            cache_write_1h: self.cache_write_1h.or(below.cache_write_1h),
            output: self.output.or(below.output),
            audio_input: self.audio_input.or(below.audio_input),
            audio_output: self.audio_output.or(below.audio_output),
            web_searches: self.web_searches.or(below.web_searches),
            requests: self.requests.or(below.requests),
        }
    }

    pub(super) fn of_input(&self) -> u64 {
        self.input.or(self.output).unwrap_or(0)
    }

    pub(super) fn of_output(&self) -> u64 {
        self.output.or(self.input).unwrap_or(0)
    }

    pub(super) fn of_cache_read(&self) -> u64 {
        self.cache_read.unwrap_or_else(|| self.of_input())
    }

    pub(super) fn of_cache_write_5m(&self) -> u64 {
        self.cache_write_5m.unwrap_or_else(|| self.of_input())
    }

    pub(super) fn of_cache_write_1h(&self) -> u64 {
        self.cache_write_1h
            .unwrap_or_else(|| self.of_cache_write_5m())
    }

    pub(super) fn of_audio_input(&self) -> u64 {
        self.audio_input.unwrap_or_else(|| self.of_input())
    }

    pub(super) fn of_audio_output(&self) -> u64 {
        self.audio_output.unwrap_or_else(|| self.of_output())
    }

    /// The highest price that a token of the prompt can have, whichever kind it turns out to be.
    #[must_use]
    pub fn dearest_input(&self) -> u64 {
        self.of_input()
            .max(self.of_cache_read())
            .max(self.of_cache_write_5m())
            .max(self.of_cache_write_1h())
            .max(self.of_audio_input())
    }

    /// The highest price that a token of the answer can have.
    #[must_use]
    pub fn dearest_output(&self) -> u64 {
        self.of_output().max(self.of_audio_output())
    }
}

#[cfg(test)]
impl UnitPrices {
    /// What every kind is charged at, fallbacks applied.
    pub(crate) fn effective(&self) -> Self {
        Self {
            input: Some(self.of_input()),
            cache_read: Some(self.of_cache_read()),
            cache_write_5m: Some(self.of_cache_write_5m()),
            cache_write_1h: Some(self.of_cache_write_1h()),
            output: Some(self.of_output()),
            audio_input: Some(self.of_audio_input()),
            audio_output: Some(self.of_audio_output()),
            web_searches: Some(self.web_searches.unwrap_or(0)),
            requests: Some(self.requests.unwrap_or(0)),
        }
    }
}

/// The prices that one request was charged at, and where they came from: stored with its usage event, so that
/// a later price never changes an earlier cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSnapshot {
    /// The provider as the price book names it.
    pub provider: String,
    /// The model whose prices these are, which may be the canonical name of an alias.
    pub model: String,
    /// Where the prices were found.
    pub source: PriceSource,
    /// The day since which they hold, when the book tells one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<NaiveDate>,
    /// The input size at which this tier starts; 0 is the base.
    #[serde(default)]
    pub tier_start: u64,
    /// The prices of that tier.
    pub prices: UnitPrices,
}
