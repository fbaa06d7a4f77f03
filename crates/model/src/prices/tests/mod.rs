//! The built-in prices: loaded whole, found by name, chosen by date and tier.

mod crosscheck;
mod custom;
mod drafts;
mod imports;
mod lists;
mod own;

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    book::{BUNDLED, COMPATIBLE_ORDER},
    file::Entry,
    *,
};
use crate::{
    Micros,
    metering::{PriceSource, TokenUsage},
};

fn book() -> PriceBook {
    PriceBook::bundled().expect("the built-in prices load")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn now() -> DateTime<Utc> {
    at("2026-11-25T12:00:00Z")
}

impl PriceBook {
    fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.shelves.iter().flat_map(|shelf| &shelf.entries)
    }

    /// Every price set of the built-in file that names a token price.
    pub(crate) fn all_prices(&self) -> Vec<ModelPrice> {
        self.entries()
            .flat_map(|entry| entry.all())
            .filter(|price| price.priced())
            .cloned()
            .collect()
    }
}

#[test]
fn the_book_is_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<PriceBook>();
    check::<ModelPrice>();
}

#[test]
fn kinds_of_provider_have_one_name() {
    for kind in ProviderKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(
            serde_json::to_value(kind).expect("serialises"),
            kind.as_str()
        );
        assert_eq!(kind.to_string(), kind.as_str());
    }
    let error = "OpenAI"
        .parse::<ProviderKind>()
        .expect_err("names are lower case");
    assert_eq!(
        error.to_string(),
        "`OpenAI` is not one of `openai`, `anthropic`, `openai-compatible`"
    );
}

#[test]
fn every_model_of_the_file_is_loaded_with_its_limits() {
    let raw: serde_json::Value = serde_json::from_str(BUNDLED).expect("JSON");
    let key = |provider: &str, model: &str| (provider.to_owned(), model.to_owned());
    let expected = raw["models"]
        .as_array()
        .expect("models")
        .iter()
        .map(|model| {
            let text = |field: &str| model[field].as_str().expect("a text");
            let limits = (
                model["context_window"].as_u64(),
                model["max_output_tokens"].as_u64(),
            );
            (key(text("provider"), text("model")), limits)
        })
        .collect::<BTreeMap<_, _>>();
    let book = book();
    let loaded = book
        .entries()
        .map(|entry| {
            let facts = &entry.facts;
            let limits = (facts.context_window, facts.max_output_tokens);
            (key(&facts.provider, &facts.model), limits)
        })
        .collect::<BTreeMap<_, _>>();
    assert_eq!(loaded, expected);
    assert_eq!(book.len(), 693);
    assert_eq!(
        loaded.values().filter(|limits| limits.1.is_some()).count(),
        211
    );
    assert_eq!(
        book.shelves
            .iter()
            .map(|shelf| &shelf.provider)
            .collect::<Vec<_>>(),
        COMPATIBLE_ORDER
    );
}

#[test]
#[rustfmt::skip]
fn names_find_their_models() {
    use {PriceSource::{Catalog, File}, ProviderKind::{Anthropic, OpenAi, OpenAiCompatible}};
    let long = "gpt-4o-mini".repeat(100);
    let rows = [
        (OpenAi, "gpt-4o-mini", Some(("openai", "gpt-4o-mini", File))),
        (OpenAi, "GPT-4o-Mini", Some(("openai", "gpt-4o-mini", File))),
        (OpenAi, "gpt-4o-mini-2024-07-18", Some(("openai", "gpt-4o-mini", File))),
        (OpenAi, "gpt-4o-mini-20240718", Some(("openai", "gpt-4o-mini", File))),
        (OpenAi, "gpt-5.6-luna-2026-08-01", Some(("openai", "gpt-5.6-luna", File))),
        (OpenAi, "claude-sonnet-4-5", None),
        (OpenAi, "no-such-model", None),
        (OpenAi, "", None),
        (OpenAi, &long, None),
        // Paid by the hour, the character or not at all: no token price.
        (OpenAi, "whisper-1", None),
        (OpenAi, "omni-moderation-latest", None),
        (Anthropic, "claude-sonnet-4-5-20250929", Some(("anthropic", "claude-sonnet-4-5", File))),
        (Anthropic, "claude-haiku-5-5", Some(("anthropic", "claude-haiku-5-5", File))),
        (Anthropic, "gpt-4o-mini", None),
        (OpenAiCompatible, "deepseek-chat", Some(("deepseek", "deepseek-chat", File))),
        (OpenAiCompatible, "llama-3.3-70b-versatile", Some(("groq", "llama-3.3-70b-versatile", File))),
        (OpenAiCompatible, "openai/gpt-4o-mini", Some(("openai", "gpt-4o-mini", File))),
        (OpenAiCompatible, "gpt-4o-mini", Some(("openai", "gpt-4o-mini", File))),
        (OpenAiCompatible, "claude-sonnet-4-5", Some(("anthropic", "claude-sonnet-4-5", File))),
        (OpenAiCompatible, "no-such-model", None),
        (OpenAiCompatible, "MiniMax-M2", Some(("minimax", "MiniMax-M2", Catalog))),
    ];
    let book = book();
    for (kind, name, expected) in rows {
        // The second time it is remembered.
        for _ in 0..2 {
            let found = book.lookup(kind, name, now());
            let found = found.as_ref().map(|price| (price.provider(), price.model(), price.source()));
            assert_eq!(found, expected, "{kind} {name}");
        }
    }
}

#[test]
#[rustfmt::skip]
fn tiers_and_dates_choose_the_price() {
    let rows = [
        // Anthropic's price doubles at 200,000 tokens, for all of them.
        ("claude-sonnet-4-5", "2026-11-25T00:00:00Z", 0, 3_000_000, 15_000_000, 0, None),
        ("claude-sonnet-4-5", "2026-11-25T00:00:00Z", 199_999, 3_000_000, 15_000_000, 0, None),
        ("claude-sonnet-4-5", "2026-11-25T00:00:00Z", 200_000, 6_000_000, 22_500_000, 200_000, None),
        ("claude-sonnet-4-5", "2026-11-25T00:00:00Z", u64::MAX, 6_000_000, 22_500_000, 200_000, None),
        // A day may end the tiers.
        ("claude-opus-4-6", "2026-03-12T23:59:59Z", 200_000, 10_000_000, 37_500_000, 200_000, None),
        ("claude-opus-4-6", "2026-03-13T00:00:00Z", 200_000, 5_000_000, 25_000_000, 0, Some("2026-03-13")),
        ("o3", "2025-06-09T23:59:59Z", 1, 10_000_000, 40_000_000, 0, None),
        ("o3", "2025-06-10T00:00:00Z", 1, 2_000_000, 8_000_000, 0, Some("2025-06-10")),
        // A time of day.
        ("deepseek-chat", "2026-11-25T00:29:59Z", 1, 135_000, 550_000, 0, None),
        ("deepseek-chat", "2026-11-25T00:30:00Z", 1, 270_000, 1_100_000, 0, None),
        ("deepseek-chat", "2026-11-25T16:29:59Z", 1, 270_000, 1_100_000, 0, None),
        ("deepseek-chat", "2026-11-25T16:30:00Z", 1, 135_000, 550_000, 0, None),
        // Of two days that have passed, the later; a time of day that is listed after both goes before them.
        ("deepseek-v4-flash", "2026-08-16T12:00:00Z", 1, 140_000, 280_000, 0, None),
        ("deepseek-v4-flash", "2026-08-17T12:00:00Z", 1, 220_000, 660_000, 0, Some("2026-08-17")),
        ("deepseek-v4-flash", "2026-11-25T12:00:00Z", 1, 150_000, 600_000, 0, Some("2026-09-10")),
        ("deepseek-v4-flash", "2026-11-25T02:00:00Z", 1, 300_000, 1_200_000, 0, None),
    ];
    let book = book();
    for (name, instant, tokens, input, output, tier_start, since) in rows {
        let price = book.lookup(ProviderKind::OpenAiCompatible, name, at(instant)).expect("a price");
        let price = price.snapshot(tokens);
        let found = (price.prices.input, price.prices.output, price.tier_start);
        assert_eq!(found, (Some(input), Some(output), tier_start), "{name} {instant} {tokens}");
        assert_eq!(price.effective_from, since.map(|date| date.parse().expect("a date")));
    }
}

#[test]
fn the_dearest_price_is_over_all_tiers_within_reach() {
    let price = book()
        .lookup(ProviderKind::Anthropic, "claude-sonnet-4-5", now())
        .expect("a price");
    // The one-hour cache write is the dearest kind of input.
    assert_eq!(price.dearest_input_price(199_999), 6_000_000);
    assert_eq!(price.dearest_input_price(200_000), 12_000_000);
    assert_eq!(price.dearest_output_price(199_999), 15_000_000);
    assert_eq!(price.dearest_output_price(200_000), 22_500_000);
    assert_eq!(price.web_search_fee(3), Some(Micros(30_000)));
    assert_eq!(price.request_fee(), Micros::ZERO);
    assert_eq!(
        (price.context_window(), price.max_output_tokens()),
        (Some(200_000), Some(64_000))
    );
    let usage = TokenUsage {
        input: 100_000,
        cache_read: 100_000,
        output: 10,
        ..TokenUsage::default()
    };
    assert_eq!(price.cost(&usage), Ok(Micros(600_000 + 60_000 + 225)));
    let searching = book()
        .lookup(ProviderKind::OpenAiCompatible, "sonar-pro", now())
        .expect("a price");
    assert!(searching.request_fee() > Micros::ZERO);
    let plain = book()
        .lookup(ProviderKind::OpenAiCompatible, "deepseek-chat", now())
        .expect("a price");
    assert_eq!(plain.web_search_fee(1), None);
}
