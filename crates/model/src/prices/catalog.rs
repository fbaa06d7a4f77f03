//! The catalogue of the crate `genai-prices`, asked for what the price file does not cover.
//!
//! The crate answers with the cost of a usage, as a float, and does not show its prices. So a model is asked
//! for with usages of one kind each, and the whole micros per million tokens are read off the answers; the
//! sizes at which its prices change are found by halving. That is some hundred questions, a few milliseconds
//! for a model with tiers, once per model and half an hour (no price of the catalogue changes in between).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use genai_prices::{Calculator, PriceRequest, Usage, UsageKey};

use super::{
    MODEL_NAME_MAX_BYTES as MAX_NAME, ProviderKind,
    memo::Memo,
    model_price::{ModelFacts, ModelPrice, Tier},
};
use crate::metering::{PriceSource, UnitPrices};

/// Prompts of more tokens than this are not asked for: no model takes them.
const LARGEST_PROMPT: u32 = 1 << 24;

/// Prices of the catalogue change on the hour or half past it, in UTC.
const STABLE_SECONDS: i64 = 1_800;

/// Found prices by name, each with the half hour that it was found for.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    found: Memo<(i64, Option<ModelPrice>)>,
}

impl Catalog {
    /// The prices of `name`, in lower case, at an instant. `in_file` tells the providers that the price
    /// file covers, which is newer: they are not asked again for an unknown kind of provider.
    pub(super) fn find(
        &self,
        kind: ProviderKind,
        name: &str,
        at: DateTime<Utc>,
        in_file: impl Fn(&str) -> bool,
    ) -> Option<ModelPrice> {
        if name.len() > MAX_NAME {
            return None;
        }
        let slot = at.timestamp().div_euclid(STABLE_SECONDS);
        if let Some((found_for, price)) = self.found.get(kind, name)
            && found_for == slot
        {
            return price;
        }
        let price = search(kind, name, at, in_file);
        self.found.put(kind, name, (slot, price.clone()));
        price
    }
}

fn search(
    kind: ProviderKind,
    name: &str,
    at: DateTime<Utc>,
    in_file: impl Fn(&str) -> bool,
) -> Option<ModelPrice> {
    let ask = |provider| Question { provider, name, at }.price();
    match kind {
        ProviderKind::OpenAi => ask(Some("openai")),
        ProviderKind::Anthropic => ask(Some("anthropic")),
        ProviderKind::OpenAiCompatible => {
            let others = Calculator::bundled()
                .providers()
                .map(genai_prices::ProviderInfo::id);
            // The provider whose names look like this one; the best known reseller; then the rest.
            ask(None).or_else(|| ask(Some("openrouter"))).or_else(|| {
                others
                    .filter(|id| !in_file(id))
                    .find_map(|id| ask(Some(id)))
            })
        }
    }
}

#[derive(Clone, Copy)]
struct Question<'a> {
    provider: Option<&'a str>,
    name: &'a str,
    at: DateTime<Utc>,
}

impl Question<'_> {
    fn price(self) -> Option<ModelPrice> {
        let base = self.prices(1)?;
        if !base.priced() {
            return None;
        }
        let mut tiers = Vec::new();
        let top = self.prices(LARGEST_PROMPT)?;
        self.find_tiers((1, base), (LARGEST_PROMPT, top), &mut tiers)?;
        Some(ModelPrice::new(self.facts()?, None, base, tiers))
    }

    /// Pushes a tier for every size between two at which the prices change. What is equal at both ends is
    /// taken to be equal between them: prices rise with the size.
    fn find_tiers(
        self,
        (low, below): (u32, UnitPrices),
        (high, above): (u32, UnitPrices),
        tiers: &mut Vec<Tier>,
    ) -> Option<()> {
        if below == above {
            return Some(());
        }
        if high - low == 1 {
            // The catalogue's tiers begin after their start, ours at it, as the price file's do.
            tiers.push(Tier {
                start: u64::from(low),
                prices: above,
            });
            return Some(());
        }
        let middle = low.midpoint(high);
        let between = self.prices(middle)?;
        self.find_tiers((low, below), (middle, between), tiers)?;
        self.find_tiers((middle, between), (high, above), tiers)
    }

    /// The prices of a request with a prompt of `size` tokens, which is more than 0. `None` when the catalogue
    /// does not know the model.
    fn prices(self, size: u32) -> Option<UnitPrices> {
        use UsageKey as Key;
        let size = f64::from(size);
        let of =
            |keys: &[UsageKey]| self.ask(&keys.iter().map(|key| (key.clone(), size)).collect());
        let per_million = |dollars: f64| whole(dollars / size * 1e12);
        let plain = of(&[Key::INPUT_TOKENS, Key::OUTPUT_TOKENS])?;
        let read = of(&[Key::INPUT_TOKENS, Key::CACHE_READ_TOKENS])?;
        let write = of(&[Key::INPUT_TOKENS, Key::CACHE_WRITE_TOKENS])?;
        let hour = of(&[
            Key::INPUT_TOKENS,
            Key::CACHE_WRITE_TOKENS,
            Key::CACHE_WRITE_1H_TOKENS,
        ])?;
        let audio = of(&[
            Key::INPUT_TOKENS,
            Key::INPUT_AUDIO_TOKENS,
            Key::OUTPUT_TOKENS,
            Key::OUTPUT_AUDIO_TOKENS,
        ])?;
        let searches = self.ask(&Usage::from([(Key::WEB_SEARCHES, 1_000.0)]))?;
        let request = self.ask(&Usage::new())?.total;
        // The catalogue says 0 where it knows nothing, which must not make anything free.
        let known = |price: u64| (price > 0).then_some(price);
        let input = known(per_million(plain.input)?);
        Some(UnitPrices {
            input,
            cache_read: input.and(per_million(read.input)),
            cache_write_5m: known(per_million(write.input)?),
            cache_write_1h: known(per_million(hour.input)?),
            output: known(per_million(plain.output)?),
            audio_input: known(per_million(audio.input)?),
            audio_output: known(per_million(audio.output)?),
            web_searches: known(whole((searches.total - request) * 1e6)?),
            requests: known(whole(request * 1e9)?),
        })
    }

    fn ask(self, usage: &Usage) -> Option<Answer> {
        let answer = Calculator::bundled().calculate(&self.request(usage)).ok()?;
        Some(Answer {
            input: answer.input_price,
            output: answer.output_price,
            total: answer.total_price,
        })
    }

    fn facts(self) -> Option<Arc<ModelFacts>> {
        let answer = Calculator::bundled()
            .calculate(&self.request(&Usage::new()))
            .ok()?;
        let context_window = Calculator::bundled()
            .providers()
            .find(|provider| provider.id() == answer.provider_id)
            .and_then(|provider| {
                provider
                    .models()
                    .find(|model| model.id() == answer.model_id)
            })
            .and_then(genai_prices::ModelInfo::context_window);
        Some(Arc::new(ModelFacts {
            provider: answer.provider_id,
            model: answer.model_id,
            source: PriceSource::Catalog,
            context_window,
            max_output_tokens: None,
        }))
    }

    fn request<'a>(&'a self, usage: &'a Usage) -> PriceRequest<'a> {
        let request = PriceRequest::new(self.name, usage).with_timestamp(self.at);
        match self.provider {
            Some(id) => request.with_provider_id(id),
            None => request,
        }
    }
}

/// Dollars.
struct Answer {
    input: f64,
    output: f64,
    total: f64,
}

/// The nearest whole number. The catalogue's prices have at most six decimals, so it is exact.
fn whole(micros: f64) -> Option<u64> {
    format!("{:.0}", micros.max(0.0)).parse().ok()
}

/// The prices of one model of one provider, whatever the price file says.
#[cfg(test)]
pub(super) fn catalog_price(provider: &str, name: &str, at: DateTime<Utc>) -> Option<ModelPrice> {
    Question {
        provider: Some(provider),
        name,
        at,
    }
    .price()
}

/// The same at one size of the prompt, with the model that the catalogue took it for.
#[cfg(test)]
pub(super) fn catalog_prices(
    provider: &str,
    name: &str,
    at: DateTime<Utc>,
    size: u32,
) -> Option<(String, UnitPrices)> {
    let question = Question {
        provider: Some(provider),
        name,
        at,
    };
    Some((question.facts()?.model.clone(), question.prices(size)?))
}
