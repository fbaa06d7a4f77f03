//! The format of price files: parsed strictly, every amount exact, dates and tiers kept.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    PriceError, ProviderKind,
    decimal::dollars_to_micros,
    matching::{Matcher, Rule},
    model_price::{ModelFacts, ModelPrice, Tier},
};
use crate::metering::{PriceSource, UnitPrices};

/// The provider of an entry that names none: it covers every provider.
pub(super) const ANY_PROVIDER: &str = "any";

#[derive(Deserialize)]
struct PriceFile {
    models: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    provider: Option<String>,
    model: String,
    #[serde(rename = "match")]
    rule: Option<Rule>,
    prices: Vec<RawDated>,
    context_window: Option<u64>,
    max_output_tokens: Option<u64>,
    #[serde(default, rename = "name")]
    _name: IgnoredAny,
    #[serde(default, rename = "deprecated")]
    _deprecated: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDated {
    constraint: Option<RawConstraint>,
    prices: BTreeMap<String, RawPrice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, untagged)]
enum RawConstraint {
    Since {
        start_date: NaiveDate,
    },
    Daily {
        start_time: String,
        end_time: String,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawPrice {
    Flat(RawAmount),
    Tiered {
        base: RawAmount,
        tiers: Vec<RawTier>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTier {
    start: u64,
    price: RawAmount,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawAmount {
    Text(String),
    Number(serde_json::Number),
}

/// One model of a price file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) facts: Arc<ModelFacts>,
    matcher: Matcher,
    /// As written; the last that holds counts.
    schedule: Vec<(When, ModelPrice)>,
}

#[derive(Debug)]
enum When {
    Always,
    Since(NaiveDate),
    /// From the first time of day, in UTC, until before the second, over midnight if that is earlier.
    Daily(NaiveTime, NaiveTime),
}

impl When {
    fn holds(&self, at: DateTime<Utc>) -> bool {
        match self {
            Self::Always => true,
            Self::Since(date) => at.date_naive() >= *date,
            Self::Daily(start, end) if end < start => at.time() >= *start || at.time() < *end,
            Self::Daily(start, end) => at.time() >= *start && at.time() < *end,
        }
    }
}

impl Entry {
    /// Whether the entry of an operator's file is for this kind of provider.
    pub(super) fn applies_to(&self, kind: ProviderKind) -> bool {
        let provider = self.facts.provider.as_str();
        provider == ANY_PROVIDER
            || provider == kind.as_str()
            || kind == ProviderKind::OpenAiCompatible
    }

    /// The days at whose beginning its prices change, in order. `None` when they also change by the time of day.
    pub(super) fn days(&self) -> Option<Vec<NaiveDate>> {
        let mut days = Vec::new();
        for (when, _) in &self.schedule {
            match when {
                When::Always => (),
                When::Since(day) => days.push(*day),
                When::Daily(..) => return None,
            }
        }
        days.sort_unstable();
        days.dedup();
        Some(days)
    }

    /// The rule of the names that it covers.
    pub(super) const fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// Whether this entry's prices are those of `name`, which is in lower case.
    pub(super) fn covers(&self, name: &str) -> bool {
        self.matcher.covers(name)
    }

    /// The prices at an instant: the last of the entry's that hold then, else its first. `None` when they
    /// name no token price: not known is not free.
    pub(super) fn at(&self, at: DateTime<Utc>) -> Option<ModelPrice> {
        self.schedule
            .iter()
            .rev()
            .find(|(when, _)| when.holds(at))
            .or_else(|| self.schedule.first())
            .map(|(_, price)| price)
            .filter(|price| price.priced())
            .cloned()
    }

    /// Whether it names a token price at any instant.
    pub(super) fn ever_priced(&self) -> bool {
        self.schedule.iter().any(|(_, price)| price.priced())
    }

    /// Names that the entry covers.
    pub(super) fn examples(&self) -> impl Iterator<Item = &str> {
        self.matcher
            .examples()
            .into_iter()
            .filter(|name| self.covers(name))
    }

    /// Every price of the entry's schedule.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &ModelPrice> {
        self.schedule.iter().map(|(_, price)| price)
    }
}

/// Reads a price file.
///
/// # Errors
/// [`PriceError`] says which entry is wrong and why: a price that was mistyped must not become no price.
pub(super) fn parse(json: &str, source: PriceSource) -> Result<Vec<Entry>, PriceError> {
    let file: PriceFile = serde_json::from_str(json).map_err(PriceError::Format)?;
    file.models
        .into_iter()
        .map(|raw| entry(raw, source))
        .collect()
}

fn entry(raw: RawEntry, source: PriceSource) -> Result<Entry, PriceError> {
    let rule = raw.rule.unwrap_or_else(|| Rule::Equals(raw.model.clone()));
    let facts = Arc::new(ModelFacts {
        provider: raw.provider.unwrap_or_else(|| ANY_PROVIDER.to_owned()),
        model: raw.model,
        source,
        context_window: raw.context_window,
        max_output_tokens: raw.max_output_tokens,
    });
    let schedule = raw
        .prices
        .into_iter()
        .map(|dated| {
            let when = when(&facts.model, dated.constraint)?;
            let price = dated_price(&facts, &when, &dated.prices)?;
            Ok((when, price))
        })
        .collect::<Result<Vec<_>, PriceError>>()?;
    let unpriced = |(_, price): &(When, ModelPrice)| !price.priced();
    if schedule.is_empty() || (source == PriceSource::OperatorFile && schedule.iter().any(unpriced))
    {
        return Err(PriceError::NoPrice {
            model: facts.model.clone(),
        });
    }
    Ok(Entry {
        facts,
        matcher: Matcher::compile(rule)?,
        schedule,
    })
}

fn when(model: &str, raw: Option<RawConstraint>) -> Result<When, PriceError> {
    let time = |text: String| match DateTime::parse_from_rfc3339(&format!("2000-01-02T{text}")) {
        Ok(instant) => Ok(instant.with_timezone(&Utc).time()),
        Err(source) => Err(PriceError::Time {
            model: model.to_owned(),
            text,
            source,
        }),
    };
    Ok(match raw {
        None => When::Always,
        Some(RawConstraint::Since { start_date }) => When::Since(start_date),
        Some(RawConstraint::Daily {
            start_time,
            end_time,
        }) => When::Daily(time(start_time)?, time(end_time)?),
    })
}

fn dated_price(
    facts: &Arc<ModelFacts>,
    when: &When,
    raw: &BTreeMap<String, RawPrice>,
) -> Result<ModelPrice, PriceError> {
    let effective_from = match when {
        When::Since(date) => Some(*date),
        When::Always | When::Daily(..) => None,
    };
    let at_start = |start| unit_prices(&facts.model, raw, start);
    let mut starts = raw
        .values()
        .flat_map(starts)
        .filter(|start| *start > 0)
        .collect::<Vec<_>>();
    starts.sort_unstable();
    starts.dedup();
    let tiers = starts
        .into_iter()
        .map(|start| {
            Ok(Tier {
                start,
                prices: at_start(start)?,
            })
        })
        .collect::<Result<Vec<_>, PriceError>>()?;
    Ok(ModelPrice::new(
        Arc::clone(facts),
        effective_from,
        at_start(0)?,
        tiers,
    ))
}

fn starts(price: &RawPrice) -> Vec<u64> {
    match price {
        RawPrice::Flat(_) => Vec::new(),
        RawPrice::Tiered { tiers, .. } => tiers.iter().map(|tier| tier.start).collect(),
    }
}

fn unit_prices(
    model: &str,
    raw: &BTreeMap<String, RawPrice>,
    input_tokens: u64,
) -> Result<UnitPrices, PriceError> {
    let mut prices = UnitPrices::default();
    for (kind, price) in raw {
        let micros = micros(model, kind, amount_at(price, input_tokens))?;
        if let Some(place) = place(&mut prices, kind) {
            *place = Some(micros);
        } else if !NOT_METERED.contains(&kind.as_str()) {
            return Err(PriceError::Kind {
                model: model.to_owned(),
                kind: kind.clone(),
            });
        }
    }
    Ok(prices)
}

fn amount_at(price: &RawPrice, input_tokens: u64) -> &RawAmount {
    match price {
        RawPrice::Flat(amount) => amount,
        RawPrice::Tiered { base, tiers } => tiers
            .iter()
            .filter(|tier| tier.start <= input_tokens)
            .max_by_key(|tier| tier.start)
            .map_or(base, |tier| &tier.price),
    }
}

fn micros(model: &str, kind: &str, amount: &RawAmount) -> Result<u64, PriceError> {
    let text = match amount {
        RawAmount::Text(text) => text.clone(),
        RawAmount::Number(number) => number.to_string(),
    };
    dollars_to_micros(&text).ok_or_else(|| PriceError::Amount {
        model: model.to_owned(),
        kind: kind.to_owned(),
        amount: text,
    })
}

fn place<'a>(prices: &'a mut UnitPrices, kind: &str) -> Option<&'a mut Option<u64>> {
    Some(match kind {
        "input_mtok" => &mut prices.input,
        "output_mtok" => &mut prices.output,
        "cache_read_mtok" => &mut prices.cache_read,
        "cache_write_mtok" => &mut prices.cache_write_5m,
        "cache_write_1h_mtok" => &mut prices.cache_write_1h,
        "input_audio_mtok" => &mut prices.audio_input,
        "output_audio_mtok" => &mut prices.audio_output,
        "web_searches_kcount" => &mut prices.web_searches,
        "requests_kcount" => &mut prices.requests,
        _ => return None,
    })
}

/// Kinds of price that no request of the gateway's routes is metered by.
const NOT_METERED: &[&str] = &[
    "audio_hours",
    "cache_audio_read_mtok",
    "cache_image_read_mtok",
    "input_annotated_document_kpages",
    "input_audio_hours",
    "input_document_kpages",
    "input_image_mtok",
    "input_mchars",
    "input_text_messages_kcount",
    "input_video_mtok",
    "output_citation_mtok",
    "output_image_mtok",
    "output_reasoning_mtok",
    "output_video_mtok",
    "storage_searches_kcount",
];
