//! Custom prices and aliases as people write them, read into such as may be stored. All that is wrong is told at once.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use serde::{Deserialize, Deserializer};

use super::{
    CustomPrice, MODEL_NAME_MAX_BYTES, ModelAlias, PRICE_MAX_MICROS, PRICE_TIERS_MAX, PriceTier,
    ProviderKind,
};
use crate::metering::{MAX_COUNT, UnitPrices};

/// What is wrong with a draft, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceProblem {
    /// The field, such as `prices[0].provider`.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A list of prices to be set, as the API takes it and `bursar prices import` reads it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PriceDrafts {
    #[serde(default)]
    prices: Option<Vec<PriceDraft>>,
}

#[derive(Debug, Clone, Deserialize)]
struct PriceDraft {
    provider: Option<String>,
    model: Option<String>,
    effective_from: Option<DateTime<Utc>>,
    #[serde(flatten)]
    amounts: Amounts,
    tiers: Option<Vec<TierDraft>>,
    context_window: Option<i64>,
    max_output_tokens: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
struct TierDraft {
    starts_at: Option<i64>,
    #[serde(flatten)]
    amounts: Amounts,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Amounts {
    input_price: Amount,
    output_price: Amount,
    cache_read_price: Amount,
    cache_write_price: Amount,
    cache_write_1h_price: Amount,
    audio_input_price: Amount,
    audio_output_price: Amount,
    web_search_price: Amount,
    request_price: Amount,
}

/// A price: not told at all, told as not known, or an amount in micros.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Amount {
    #[default]
    Absent,
    Unknown,
    Micros(i64),
    /// Something else.
    Wrong,
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What is no amount is told with everything else that is wrong.
        let amount = serde_json::Value::deserialize(deserializer)?;
        Ok(match amount {
            serde_json::Value::Null => Self::Unknown,
            amount => amount.as_i64().map_or(Self::Wrong, Self::Micros),
        })
    }
}

/// An alias to be set.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AliasDraft {
    provider: Option<String>,
    provider_model: Option<String>,
    priced_model: Option<String>,
}

/// Collects what is wrong.
#[derive(Default)]
struct Problems(Vec<PriceProblem>);

impl Problems {
    fn add(&mut self, field: impl Into<String>, detail: impl Into<String>) {
        self.0.push(PriceProblem {
            field: field.into(),
            detail: detail.into(),
        });
    }

    fn none_or<T>(self, value: T) -> Result<T, Vec<PriceProblem>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.0)
        }
    }
}

impl PriceDrafts {
    /// Reads the prices.
    ///
    /// # Errors
    /// Everything that is wrong with them: nothing may be stored then.
    pub fn read(self) -> Result<Vec<CustomPrice>, Vec<PriceProblem>> {
        let mut problems = Problems::default();
        let drafts = self.prices.unwrap_or_default();
        if drafts.is_empty() {
            problems.add("prices", "must not be empty");
        }
        let mut prices = Vec::with_capacity(drafts.len());
        let mut seen = HashMap::new();
        for (place, draft) in drafts.into_iter().enumerate() {
            let field = format!("prices[{place}]");
            let Some(price) = draft.read(&field, &mut problems) else {
                continue;
            };
            let key = (
                price.provider,
                price.model.to_lowercase(),
                price.effective_from,
            );
            if let Some(first) = seen.insert(key, place) {
                problems.add(
                    field,
                    format!("is the same provider, model and effective_from as prices[{first}]"),
                );
            }
            prices.push(price);
        }
        problems.none_or(prices)
    }
}

impl PriceDraft {
    /// The price, when who and what it is for could be read; whether it is right is told by `problems`.
    fn read(self, field: &str, problems: &mut Problems) -> Option<CustomPrice> {
        let provider = provider(
            self.provider.as_deref(),
            &format!("{field}.provider"),
            problems,
        );
        let model = name(self.model, &format!("{field}.model"), problems);
        let prices = self.amounts.read(field, problems);
        self.amounts.complete(field, problems);
        if prices.input.or(prices.output).is_none() && self.amounts.right() {
            problems.add(
                field,
                "must have at least one price that is not null: input_price or output_price",
            );
        }
        if let Some(at) = self.effective_from
            && !(1..=9999).contains(&at.year())
        {
            problems.add(
                format!("{field}.effective_from"),
                "must be in the years 0001 to 9999",
            );
        }
        let mut tokens = |count: Option<i64>, key: &str| {
            count.map(|count| read_count(count, &format!("{field}.{key}"), problems))
        };
        let context_window = tokens(self.context_window, "context_window");
        let max_output_tokens = tokens(self.max_output_tokens, "max_output_tokens");
        let tiers = read_tiers(self.tiers.unwrap_or_default(), field, problems);
        Some(CustomPrice {
            provider: provider?,
            model: model?,
            // As exactly as the database keeps it, so that what differs here differs there.
            effective_from: self.effective_from.map(|at| at.trunc_subsecs(6)),
            prices,
            tiers,
            context_window,
            max_output_tokens,
        })
    }
}

impl Amounts {
    const fn named(&self) -> [(&'static str, Amount); 9] {
        [
            ("input_price", self.input_price),
            ("output_price", self.output_price),
            ("cache_read_price", self.cache_read_price),
            ("cache_write_price", self.cache_write_price),
            ("cache_write_1h_price", self.cache_write_1h_price),
            ("audio_input_price", self.audio_input_price),
            ("audio_output_price", self.audio_output_price),
            ("web_search_price", self.web_search_price),
            ("request_price", self.request_price),
        ]
    }

    /// Whether every amount that is told is one.
    fn right(&self) -> bool {
        let amounts = self.named().into_iter();
        amounts
            .map(|(_, amount)| amount.micros())
            .all(|read| read.is_ok())
    }

    fn read(&self, field: &str, problems: &mut Problems) -> UnitPrices {
        let prices = self.named().map(|(key, amount)| {
            amount.micros().unwrap_or_else(|detail| {
                problems.add(format!("{field}.{key}"), detail);
                None
            })
        });
        let [
            input,
            output,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            audio_input,
            audio_output,
            web_searches,
            requests,
        ] = prices;
        UnitPrices {
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            audio_input,
            audio_output,
            web_searches,
            requests,
        }
    }

    /// Whoever names one of the four that every model has names all of them: an absent one may have been forgotten.
    fn complete(&self, field: &str, problems: &mut Problems) {
        let four = self.named().into_iter().take(4);
        let told = |(_, amount): &(&str, Amount)| *amount != Amount::Absent;
        if four.clone().any(|one| told(&one)) {
            for (key, _) in four.filter(|one| !told(one)) {
                problems.add(format!("{field}.{key}"), "must be given; null is not known");
            }
        }
    }
}

impl Amount {
    fn micros(self) -> Result<Option<u64>, String> {
        match self {
            Self::Absent | Self::Unknown => Ok(None),
            Self::Micros(micros) => match u64::try_from(micros) {
                Ok(micros) if micros <= PRICE_MAX_MICROS => Ok(Some(micros)),
                Ok(_) => Err(format!("must not exceed {PRICE_MAX_MICROS}")),
                Err(_) => Err("must not be negative".to_owned()),
            },
            Self::Wrong => Err("must be a whole number of micros, or null".to_owned()),
        }
    }
}

fn read_tiers(drafts: Vec<TierDraft>, field: &str, problems: &mut Problems) -> Vec<PriceTier> {
    if drafts.len() > PRICE_TIERS_MAX {
        problems.add(
            format!("{field}.tiers"),
            format!("must not have more than {PRICE_TIERS_MAX} entries"),
        );
    }
    let mut tiers = Vec::<PriceTier>::with_capacity(drafts.len());
    for (place, draft) in drafts.into_iter().enumerate() {
        let field = format!("{field}.tiers[{place}]");
        let prices = draft.amounts.read(&field, problems);
        if prices == UnitPrices::default() && draft.amounts.right() {
            problems.add(&field, "must have at least one price that is not null");
        }
        let field = format!("{field}.starts_at");
        let Some(starts_at) = draft.starts_at else {
            problems.add(field, "must be given");
            continue;
        };
        let starts_at = read_count(starts_at, &field, problems);
        if tiers.iter().any(|tier| tier.starts_at == starts_at) {
            problems.add(field, "is the start of another tier");
        }
        tiers.push(PriceTier { starts_at, prices });
    }
    tiers.sort_by_key(|tier| tier.starts_at);
    tiers
}

fn read_count(count: i64, field: &str, problems: &mut Problems) -> u64 {
    match u64::try_from(count) {
        Ok(count) if (1..=MAX_COUNT).contains(&count) => count,
        Ok(_) | Err(_) => {
            problems.add(field, format!("must be between 1 and {MAX_COUNT}"));
            1
        }
    }
}

fn provider(text: Option<&str>, field: &str, problems: &mut Problems) -> Option<ProviderKind> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        problems.add(field, "must be given");
        return None;
    };
    let read = text.parse::<ProviderKind>();
    if let Err(error) = &read {
        problems.add(field, format!("is not supported: {error}"));
    }
    read.ok()
}

fn name(text: Option<String>, field: &str, problems: &mut Problems) -> Option<String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        problems.add(field, "must be given");
        return None;
    };
    if text.len() > MODEL_NAME_MAX_BYTES {
        problems.add(
            field,
            format!("must not be longer than {MODEL_NAME_MAX_BYTES} bytes"),
        );
    } else if text.trim() != text || text.chars().any(char::is_control) {
        problems.add(
            field,
            "must not have control characters, or spaces at an end",
        );
    }
    Some(text)
}

impl AliasDraft {
    /// Reads the alias.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(self) -> Result<ModelAlias, Vec<PriceProblem>> {
        let mut problems = Problems::default();
        let provider = provider(self.provider.as_deref(), "provider", &mut problems);
        let provider_model = name(self.provider_model, "provider_model", &mut problems);
        let priced_model = name(self.priced_model, "priced_model", &mut problems);
        if provider_model
            .as_ref()
            .is_some_and(|text| text.trim_matches('*').is_empty())
        {
            problems.add("provider_model", "must have more than stars");
        }
        if priced_model.as_ref().is_some_and(|text| text.contains('*')) {
            problems.add("priced_model", "must be one model, without stars");
        }
        if let (Some(a), Some(b)) = (&provider_model, &priced_model)
            && a.to_lowercase() == b.to_lowercase()
        {
            problems.add("priced_model", "must be another model");
        }
        match (provider, provider_model, priced_model) {
            (Some(provider), Some(provider_model), Some(priced_model)) => {
                problems.none_or(ModelAlias {
                    provider,
                    provider_model,
                    priced_model,
                })
            }
            _ => Err(problems.0),
        }
    }
}
