//! The price book: which prices a model has for a provider at an instant.
//!
//! Four sources, asked in this order; the first that knows the name answers:
//!
//! 1. **custom**: what the deployment set itself ([`PriceBook::with_own`]), from the instant on that was named;
//! 2. **operator's file**: a file that a server was started with ([`PriceBook::with_custom`]), in the format of the next;
//! 3. **file**: `crates/model/data/model-prices.json`, built in. It is primary because its amounts are exact
//!    decimals, its dates, tiers and match rules can be read, it alone has output limits, and it is a release
//!    newer than the crate: a test compares the two and lists every difference;
//! 4. **catalog**: the crate `genai-prices`, for the thirty providers that the file lacks.
//!
//! Of an entry's dated prices the *last* whose date or time of day holds is in force, as in that crate; the
//! file lists them from old to new. A tier begins *at* its start (`data/README.md` of the file says so; the
//! crate begins one token later), and prices the whole request. Amounts with more than six decimals do not
//! occur and are refused, so nothing is ever rounded.
//!
//! To refresh: replace the file, `cargo update -p genai-prices`, run the tests, correct their lists.

mod book;
mod catalog;
mod custom;
mod decimal;
mod draft;
mod file;
mod import;
mod list;
mod matching;
mod memo;
mod model_price;
mod own;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::{
    book::PriceBook,
    custom::{
        CustomPrice, CustomPrices, EffectiveDates, MODEL_NAME_MAX_BYTES, ModelAlias,
        PRICE_MAX_MICROS, PRICE_TIERS_MAX, PriceTier, StoredAlias, StoredPrice,
    },
    draft::{AliasDraft, PriceDrafts, PriceProblem},
    import::{ImportError, ImportedPrices},
    list::{ListedPrice, PriceFilter, PriceOrigin, PriceSelection},
    model_price::ModelPrice,
};

/// The kind of a configured provider: which wire format it speaks and whose prices apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProviderKind {
    /// `OpenAI` itself.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic itself.
    #[serde(rename = "anthropic")]
    Anthropic,
    /// Anybody who speaks `OpenAI`'s wire format; prices are found by the model's name alone.
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible,
}

impl ProviderKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::OpenAiCompatible];

    /// The kind's name, as in the API and in price files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::OpenAiCompatible => "openai-compatible",
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no kind of provider.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not one of `openai`, `anthropic`, `openai-compatible`")]
pub struct UnknownProviderKind(String);

impl FromStr for ProviderKind {
    type Err = UnknownProviderKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownProviderKind(text.to_owned()))
    }
}

/// Why a price file cannot be used.
#[derive(Debug, Error)]
pub enum PriceError {
    /// The text is not JSON of the format.
    #[error("the text is not a price file")]
    Format(#[source] serde_json::Error),
    /// A match rule's expression does not compile.
    #[error("pattern `{pattern}` is not a regular expression")]
    Pattern {
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: Box<fancy_regex::Error>,
    },
    /// An entry has no prices; in an operator's file also: neither `input_mtok` nor `output_mtok`.
    #[error("model `{model}` has no token price")]
    NoPrice {
        /// The entry's model.
        model: String,
    },
    /// An entry has a kind of price that does not exist.
    #[error("model `{model}` has a price of the unknown kind `{kind}`")]
    Kind {
        /// The entry's model.
        model: String,
        /// The kind as written.
        kind: String,
    },
    /// An amount is not a decimal of dollars, or is not whole in micros.
    #[error(
        "model `{model}`: `{kind}` of `{amount}` is not an amount in dollars with at most six decimals"
    )]
    Amount {
        /// The entry's model.
        model: String,
        /// The kind of price.
        kind: String,
        /// The amount as written.
        amount: String,
    },
    /// A time of day is not like `04:00:00Z`.
    #[error("model `{model}`: `{text}` is not a time of day with an offset")]
    Time {
        /// The entry's model.
        model: String,
        /// The time as written.
        text: String,
        /// What is wrong with it.
        #[source]
        source: chrono::ParseError,
    },
}
