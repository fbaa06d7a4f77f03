//! The price book: which prices a model has for a provider at an instant.
//!
//! Three sources, asked in this order; the first that knows the name answers:
//!
//! 1. **custom**: the operator's own file ([`PriceBook::with_custom`]), in the format of the next;
//! 2. **file**: `crates/model/data/model-prices.json`, built in. It is primary because its amounts are exact
//!    decimals, its dates, tiers and match rules can be read, it alone has output limits, and it is a release
//!    newer than the crate: a test compares the two and lists every difference;
//! 3. **catalog**: the crate `genai-prices`, for the thirty providers that the file lacks.
//!
//! Of an entry's dated prices the *last* whose date or time of day holds is in force, as in that crate; the
//! file lists them from old to new. A tier begins *at* its start (`data/README.md` of the file says so; the
//! crate begins one token later), and prices the whole request. Amounts with more than six decimals do not
//! occur and are refused, so nothing is ever rounded.
//!
//! To refresh: replace the file, `cargo update -p genai-prices`, run the tests, correct their lists.

mod catalog;
mod decimal;
mod file;
mod matching;
mod memo;
mod model_price;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::{catalog::Catalog, file::Entry, memo::Memo};
use crate::metering::PriceSource;

pub use self::model_price::ModelPrice;

/// The price file that is built in; `NOTICE` names its sources.
const BUNDLED: &str = include_str!("../../data/model-prices.json");

/// Longer names, in bytes, are no model's.
const MAX_NAME: usize = 256;

/// Whose prices count when only a name is known: who makes a model before who hosts it, and the clouds, whose
/// rules are the widest, last.
const COMPATIBLE_ORDER: [&str; 17] = [
    "openai",
    "anthropic",
    "google",
    "deepseek",
    "mistral",
    "x-ai",
    "moonshotai",
    "zai",
    "cohere",
    "meta",
    "perplexity",
    "groq",
    "cerebras",
    "together",
    "fireworks",
    "azure",
    "aws",
];

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

/// The prices of one provider of the built-in file.
#[derive(Debug)]
struct Shelf {
    provider: String,
    entries: Vec<Arc<Entry>>,
}

/// All prices that are known. Made once at start and shared.
#[derive(Debug)]
pub struct PriceBook {
    custom: Vec<Arc<Entry>>,
    /// In the order of [`COMPATIBLE_ORDER`].
    shelves: Vec<Shelf>,
    catalog: Catalog,
    /// Which entry of the first two covers a name; `None`: neither does.
    resolved: Memo<Option<Arc<Entry>>>,
}

impl PriceBook {
    /// The prices that are built in. The crate's catalogue is decoded when a name first misses the file.
    ///
    /// # Errors
    /// [`PriceError`] when the built-in file is broken, which a test rules out.
    pub fn bundled() -> Result<Self, PriceError> {
        let mut shelves = Vec::<Shelf>::new();
        for entry in file::parse(BUNDLED, PriceSource::File)? {
            let provider = &entry.facts.provider;
            if let Some(shelf) = shelves.iter_mut().find(|shelf| shelf.provider == *provider) {
                shelf.entries.push(Arc::new(entry));
            } else {
                let provider = provider.clone();
                shelves.push(Shelf {
                    provider,
                    entries: vec![Arc::new(entry)],
                });
            }
        }
        shelves.sort_by_key(|shelf| {
            let place = COMPATIBLE_ORDER.iter().position(|id| *id == shelf.provider);
            place.unwrap_or(COMPATIBLE_ORDER.len())
        });
        Ok(Self {
            custom: Vec::new(),
            shelves,
            catalog: Catalog::default(),
            resolved: Memo::default(),
        })
    }

    /// Adds an operator's own price file, in the format of the built-in one (`data/README.md` there). Its
    /// entries win, the first of them that covers a name. In it, `match` may be left out (then the name must be
    /// equal to `model`), and so may `provider` (then the entry holds for every kind of provider); otherwise
    /// `provider` is the kind's name, or for an OpenAI-compatible one any name. Zero prices are free of charge.
    ///
    /// # Errors
    /// [`PriceError`] says which entry is wrong and why.
    pub fn with_custom(mut self, json: &str) -> Result<Self, PriceError> {
        self.custom.extend(
            file::parse(json, PriceSource::Custom)?
                .into_iter()
                .map(Arc::new),
        );
        self.resolved = Memo::default();
        Ok(self)
    }

    /// The prices of `model` for a kind of provider at an instant. `None` when no source knows a token price.
    #[must_use]
    pub fn lookup(&self, kind: ProviderKind, model: &str, at: DateTime<Utc>) -> Option<ModelPrice> {
        if model.is_empty() || model.len() > MAX_NAME {
            return None;
        }
        let name = model.to_lowercase();
        let entry = self.resolved.get(kind, &name).unwrap_or_else(|| {
            let entry = self.resolve(kind, &name);
            self.resolved.put(kind, &name, entry.clone());
            entry
        });
        match entry {
            Some(entry) => entry.at(at),
            None => self
                .catalog
                .find(kind, &name, at, |id| self.shelf(id).is_some()),
        }
    }

    /// How many models the files of this book list.
    #[must_use]
    pub fn len(&self) -> usize {
        self.custom.len()
            + self
                .shelves
                .iter()
                .map(|shelf| shelf.entries.len())
                .sum::<usize>()
    }

    /// Whether they list none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shelf(&self, provider: &str) -> Option<&Shelf> {
        self.shelves.iter().find(|shelf| shelf.provider == provider)
    }

    fn resolve(&self, kind: ProviderKind, name: &str) -> Option<Arc<Entry>> {
        self.resolve_exactly(kind, name).or_else(|| {
            let written_out = matching::expand_compact_date(name)?;
            self.resolve_exactly(kind, &written_out)
        })
    }

    fn resolve_exactly(&self, kind: ProviderKind, name: &str) -> Option<Arc<Entry>> {
        let custom = self.custom.iter().find(|entry| {
            let provider = entry.facts.provider.as_str();
            let applies = provider == file::ANY_PROVIDER
                || provider == kind.as_str()
                || kind == ProviderKind::OpenAiCompatible;
            applies && entry.covers(name)
        });
        custom.cloned().or_else(|| match kind {
            ProviderKind::OpenAi | ProviderKind::Anthropic => self.on_shelf(kind.as_str(), name),
            ProviderKind::OpenAiCompatible => self.on_any_shelf(name),
        })
    }

    fn on_shelf(&self, provider: &str, name: &str) -> Option<Arc<Entry>> {
        self.shelves
            .iter()
            .find(|shelf| shelf.provider == provider)?
            .covering(name)
    }

    /// By the provider that the name is prefixed with (`openai/gpt-5`), else by whichever knows the whole name.
    fn on_any_shelf(&self, name: &str) -> Option<Arc<Entry>> {
        let priced = |entry: &Arc<Entry>| entry.ever_priced();
        name.split_once('/')
            .and_then(|(provider, rest)| self.on_shelf(provider, rest).filter(priced))
            .or_else(|| {
                self.shelves
                    .iter()
                    .find_map(|shelf| shelf.covering(name).filter(priced))
            })
    }
}

impl Shelf {
    fn covering(&self, name: &str) -> Option<Arc<Entry>> {
        self.entries
            .iter()
            .find(|entry| entry.covers(name))
            .cloned()
    }
}
