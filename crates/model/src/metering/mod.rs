//! Metering: what one request used, the prices it is charged at, and the one place that turns both into money.
//!
//! **Which price counts.** A kind of token without a price of its own is charged at its nearest wider kind,
//! so that nothing is free by accident:
//!
//! | kind | charged at the first price that is known |
//! |---|---|
//! | `input` | input, output |
//! | `cache_read` | cache read, then as `input` |
//! | `cache_write_5m` | 5-minute cache write, then as `input` |
//! | `cache_write_1h` | 1-hour cache write, 5-minute cache write, then as `input` |
//! | `output` | output, input |
//! | `audio_input`, `audio_output` | its own, then as `input`, `output` |
//!
//! Only when no token price is known at all, or the known one is 0, is a token free. Fees have no wider kind:
//! a search without a price costs nothing here, so whoever admits requests refuses it while a limit applies.

#[cfg(test)]
mod tests;
mod unit_prices;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Micros;

pub use self::unit_prices::{PriceSnapshot, PriceSource, UnitPrices};

/// The largest count of one kind that one usage may report (`reference/coder-ai-budgets.md` 4.1).
pub const MAX_COUNT: u64 = 1_000_000_000_000;

/// The largest cost that one usage may have: 10 million dollars (same source).
pub const MAX_COST: Micros = Micros(10_000_000_000_000);

/// Prices of tokens are per this many of them.
const TOKENS_PER_PRICE: i128 = 1_000_000;

/// Fees are per this many calls.
const CALLS_PER_FEE: i128 = 1_000;

/// What a provider reported for one request. The kinds are disjoint: no token is in two of them,
/// `reasoning` aside, which is a part of `output` and never priced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenUsage {
    /// Prompt tokens that came from no cache and are no audio.
    pub input: u64,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache that lives five minutes, or for a time that was not told.
    pub cache_write_5m: u64,
    /// Prompt tokens written to a cache that lives an hour.
    pub cache_write_1h: u64,
    /// Tokens of the answer, reasoning included, audio excluded.
    pub output: u64,
    /// How many of `output` were reasoning; for people, never priced.
    pub reasoning: u64,
    /// Audio tokens of the prompt.
    pub audio_input: u64,
    /// Audio tokens of the answer.
    pub audio_output: u64,
    /// Web searches that the provider made for this request.
    pub web_searches: u64,
}

impl TokenUsage {
    /// All tokens of the prompt, cached ones and audio included: what decides the price tier.
    #[must_use]
    pub const fn total_input(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.audio_input)
    }

    /// All tokens of the answer.
    #[must_use]
    pub const fn total_output(&self) -> u64 {
        self.output.saturating_add(self.audio_output)
    }
}

/// Why a usage has no cost.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CostError {
    /// A count that no provider can mean. The whole record is to be rejected.
    #[error("`{count}` of `{kind}` is more than one request can use")]
    Count {
        /// The field of [`TokenUsage`].
        kind: &'static str,
        /// What it held.
        count: u64,
    },
    /// A cost that no request can have. The tokens are to be stored without a cost.
    #[error("a cost of `{micros}` micros is more than one request can have")]
    Cost {
        /// The computed cost.
        micros: i128,
    },
}

/// The cost of a usage: every kind on its own is `count × price`, rounded down to a whole micro, and the cost
/// is their sum, so that the parts that a report shows add up to the total that was charged.
///
/// # Errors
/// [`CostError::Count`] when a count is above [`MAX_COUNT`], [`CostError::Cost`] when the sum is above
/// [`MAX_COST`].
pub fn cost(usage: &TokenUsage, price: &PriceSnapshot) -> Result<Micros, CostError> {
    let prices = &price.prices;
    let tokens = [
        ("input", usage.input, prices.of_input()),
        ("cache_read", usage.cache_read, prices.of_cache_read()),
        (
            "cache_write_5m",
            usage.cache_write_5m,
            prices.of_cache_write_5m(),
        ),
        (
            "cache_write_1h",
            usage.cache_write_1h,
            prices.of_cache_write_1h(),
        ),
        ("output", usage.output, prices.of_output()),
        ("reasoning", usage.reasoning, 0),
        ("audio_input", usage.audio_input, prices.of_audio_input()),
        ("audio_output", usage.audio_output, prices.of_audio_output()),
    ];
    let calls = [
        (
            "web_searches",
            usage.web_searches,
            prices.web_searches.unwrap_or(0),
        ),
        ("requests", 1, prices.requests.unwrap_or(0)),
    ];
    let mut sum = 0_i128;
    for (kind, count, price) in tokens {
        sum = sum.saturating_add(term(kind, count, price, TOKENS_PER_PRICE)?);
    }
    for (kind, count, price) in calls {
        sum = sum.saturating_add(term(kind, count, price, CALLS_PER_FEE)?);
    }
    match i64::try_from(sum) {
        Ok(micros) if micros <= MAX_COST.0 => Ok(Micros(micros)),
        Ok(_) | Err(_) => Err(CostError::Cost { micros: sum }),
    }
}

fn term(kind: &'static str, count: u64, price: u64, per: i128) -> Result<i128, CostError> {
    if count > MAX_COUNT {
        return Err(CostError::Count { kind, count });
    }
    // Below 2^40 × 2^64, so the product fits.
    Ok(i128::from(count) * i128::from(price) / per)
}

/// The cost of `tokens` at `price` micros per million, rounded up: for a hold, which must never be short.
pub(crate) fn tokens_cost_ceil(tokens: u128, price: u64) -> Micros {
    ceil_div(
        tokens.saturating_mul(u128::from(price)),
        TOKENS_PER_PRICE.unsigned_abs(),
    )
}

/// The fee of `calls` at `price` micros per thousand, rounded up.
pub(crate) fn calls_fee_ceil(calls: u64, price: u64) -> Micros {
    ceil_div(
        u128::from(calls).saturating_mul(u128::from(price)),
        CALLS_PER_FEE.unsigned_abs(),
    )
}

fn ceil_div(amount: u128, by: u128) -> Micros {
    Micros(i64::try_from(amount.div_ceil(by)).unwrap_or(i64::MAX))
}
