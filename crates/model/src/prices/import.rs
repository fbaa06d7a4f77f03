//! Files of prices, read into custom prices and aliases: the body that the API takes, or an operator's price file.

use chrono::{DateTime, NaiveTime, Utc};
use serde::Deserialize;
use thiserror::Error;

use super::{
    CustomPrice, MODEL_NAME_MAX_BYTES, ModelAlias, PriceDrafts, PriceError, PriceProblem,
    PriceTier, ProviderKind,
    file::{self, Entry},
    model_price::ModelPrice,
};
use crate::metering::PriceSource;

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportedPrices {
    /// The prices.
    pub prices: Vec<CustomPrice>,
    /// The match rules that are no plain names.
    pub aliases: Vec<ModelAlias>,
}

/// Why a file cannot be imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// It is no list of prices.
    #[error(
        "the text has neither `prices` nor `models` in the format of the API or of a price file"
    )]
    Format(#[source] serde_json::Error),
    /// It is a price file with a mistake.
    #[error("the price file cannot be used")]
    File(#[source] PriceError),
    /// Prices that cannot be set; what is wrong, and where.
    #[error("{} of the file cannot be set: {}", count(.0.len()), told(.0))]
    Problems(Vec<PriceProblem>),
    /// An entry whose match rule no alias can say.
    #[error(
        "model `{0}`: a match rule with `regex` or `and`, or with a star in it, cannot be imported"
    )]
    Rule(String),
    /// An entry whose prices change by the time of day.
    #[error("model `{0}`: prices by the time of day cannot be imported")]
    TimeOfDay(String),
    /// A name or a pattern that is too long.
    #[error("`{0}` is longer than a model's name may be")]
    Long(String),
    /// Two entries for the same model, of which only the first would count.
    #[error("model `{0}`: there are two entries for it")]
    Twice(String),
}

fn count(problems: usize) -> String {
    let plural = if problems == 1 { "" } else { "s" };
    format!("{problems} value{plural}")
}

fn told(problems: &[PriceProblem]) -> String {
    let lines = problems
        .iter()
        .map(|problem| format!("`{}` {}", problem.field, problem.detail));
    lines.collect::<Vec<_>>().join("; ")
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    models: Option<serde::de::IgnoredAny>,
}

impl ImportedPrices {
    /// Reads a file: with `prices` it is the body of a request that sets prices, with `models` a price file.
    ///
    /// # Errors
    /// [`ImportError`] says what is wrong, and where.
    pub fn parse(json: &str) -> Result<Self, ImportError> {
        let head: Head = serde_json::from_str(json).map_err(ImportError::Format)?;
        if head.models.is_some() {
            return Self::of_file(json);
        }
        let drafts: PriceDrafts = serde_json::from_str(json).map_err(ImportError::Format)?;
        Ok(Self {
            prices: drafts.read().map_err(ImportError::Problems)?,
            aliases: Vec::new(),
        })
    }

    fn of_file(json: &str) -> Result<Self, ImportError> {
        let entries = file::parse(json, PriceSource::OperatorFile).map_err(ImportError::File)?;
        let mut imported = Self::default();
        for entry in &entries {
            for kind in ProviderKind::ALL {
                if entry.applies_to(kind) {
                    imported.add(entry, kind)?;
                }
            }
        }
        Ok(imported)
    }

    fn add(&mut self, entry: &Entry, kind: ProviderKind) -> Result<(), ImportError> {
        let model = &entry.facts.model;
        let name = model.to_lowercase();
        let same =
            |price: &CustomPrice| price.provider == kind && price.model.to_lowercase() == name;
        if self.prices.iter().any(same) {
            return Err(ImportError::Twice(model.clone()));
        }
        if model.is_empty() || model.len() > MODEL_NAME_MAX_BYTES {
            return Err(ImportError::Long(model.clone()));
        }
        let days = entry
            .days()
            .ok_or_else(|| ImportError::TimeOfDay(model.clone()))?;
        let instants = days
            .into_iter()
            .map(|day| Some(day.and_time(NaiveTime::MIN).and_utc()));
        for from in std::iter::once(None).chain(instants) {
            // Before all days the first prices hold.
            let at = from.unwrap_or(DateTime::<Utc>::MIN_UTC);
            if let Some(price) = entry.at(at) {
                self.prices.push(custom(kind, model, from, &price));
            }
        }
        let rule = || ImportError::Rule(model.clone());
        for pattern in entry.matcher().patterns().ok_or_else(rule)? {
            if pattern.trim_matches('*').is_empty() {
                return Err(rule());
            }
            if pattern.len() > MODEL_NAME_MAX_BYTES {
                return Err(ImportError::Long(pattern));
            }
            let known =
                |alias: &ModelAlias| alias.provider == kind && alias.provider_model == pattern;
            // Of rules that say the same the first counts.
            if pattern != name && !self.aliases.iter().any(known) {
                self.aliases.push(ModelAlias {
                    provider: kind,
                    provider_model: pattern,
                    priced_model: model.clone(),
                });
            }
        }
        Ok(())
    }
}

fn custom(
    provider: ProviderKind,
    model: &str,
    effective_from: Option<DateTime<Utc>>,
    price: &ModelPrice,
) -> CustomPrice {
    CustomPrice {
        provider,
        model: model.to_owned(),
        effective_from,
        prices: price.base(),
        tiers: price
            .tiers()
            .map(|(starts_at, prices)| PriceTier { starts_at, prices })
            .collect(),
        context_window: price.context_window(),
        max_output_tokens: price.max_output_tokens(),
    }
}
