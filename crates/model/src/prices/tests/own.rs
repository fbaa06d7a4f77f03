//! What a deployment set itself, over everything else.

use proptest::prelude::*;

use super::{
    super::{
        CustomPrice, CustomPrices, ModelAlias, ModelPrice, PriceBook, PriceTier, ProviderKind,
        StoredAlias, StoredPrice,
    },
    at, book, now,
};
use crate::metering::{PriceSource, TokenUsage, UnitPrices};

pub(super) fn input(price: u64) -> UnitPrices {
    UnitPrices {
        input: Some(price),
        ..UnitPrices::default()
    }
}

pub(super) fn priced(
    provider: ProviderKind,
    model: &str,
    from: Option<&str>,
    price: u64,
) -> CustomPrice {
    CustomPrice {
        provider,
        model: model.to_owned(),
        effective_from: from.map(at),
        prices: input(price),
        tiers: Vec::new(),
        context_window: None,
        max_output_tokens: None,
    }
}

pub(super) fn custom(
    prices: &[CustomPrice],
    aliases: &[(ProviderKind, &str, &str)],
) -> CustomPrices {
    let stored = |price: &CustomPrice| StoredPrice {
        price: price.clone(),
        created_at: now(),
        updated_at: now(),
    };
    let alias = |(provider, name, model): &(ProviderKind, &str, &str)| StoredAlias {
        alias: ModelAlias {
            provider: *provider,
            provider_model: (*name).to_owned(),
            priced_model: (*model).to_owned(),
        },
        created_at: now(),
        updated_at: now(),
    };
    CustomPrices {
        version: 1,
        prices: prices.iter().map(stored).collect(),
        aliases: aliases.iter().map(alias).collect(),
    }
}

fn told(price: Option<ModelPrice>) -> Option<(String, PriceSource, Option<u64>)> {
    price.map(|price| (price.model().to_owned(), price.source(), price.base().input))
}

use PriceSource::{Catalog, Custom, File, OperatorFile};
use ProviderKind::{Anthropic, OpenAi, OpenAiCompatible};

#[test]
fn what_was_set_comes_before_the_files_and_the_catalogue() {
    let file = r#"{"models": [
        {"provider": "openai", "model": "gpt-4o", "prices": [{"prices": {"input_mtok": "7"}}]},
        {"provider": "openai", "model": "gpt-4o-mini", "context_window": 77,
         "prices": [{"prices": {"input_mtok": "8"}}]}
    ]}"#;
    let book = book().with_custom(file).unwrap();
    let own = [
        priced(OpenAi, "GPT-4o-mini", None, 1),
        priced(OpenAi, "house", None, 2),
        priced(OpenAiCompatible, "llama-guard-house", None, 3),
    ];
    let book = book.with_own(&custom(&own, &[]));
    let check = |kind, model: &str, expected: Option<(&str, PriceSource, u64)>| {
        let found = told(book.lookup(kind, model, now()));
        let expected =
            expected.map(|(model, source, price)| (model.to_owned(), source, Some(price)));
        assert_eq!(found, expected, "{kind} {model}");
    };
    check(OpenAi, "gpt-4o-MINI", Some(("GPT-4o-mini", Custom, 1)));
    check(OpenAi, "gpt-4o", Some(("gpt-4o", OperatorFile, 7_000_000)));
    check(OpenAi, "gpt-5-mini", Some(("gpt-5-mini", File, 250_000)));
    check(OpenAi, "house", Some(("house", Custom, 2)));
    // Prices are of one type of provider.
    check(Anthropic, "house", None);
    check(OpenAiCompatible, "house", None);
    check(
        OpenAiCompatible,
        "llama-guard-house",
        Some(("llama-guard-house", Custom, 3)),
    );
    // The catalogue still answers for what it alone knows.
    let found = book.lookup(OpenAiCompatible, "openrouter/auto", now());
    assert!(found.is_none_or(|price| price.source() == Catalog));
    // What is not told of the model is as the book has it.
    let price = book.lookup(OpenAi, "gpt-4o-mini", now()).unwrap();
    assert_eq!(price.context_window(), Some(77));
    // Without what was set everything is as before.
    let before = book.with_own(&CustomPrices::default());
    assert_eq!(
        told(before.lookup(OpenAi, "gpt-4o-mini", now())),
        Some(("gpt-4o-mini".to_owned(), OperatorFile, Some(8_000_000)))
    );
}

#[test]
fn a_variant_is_charged_as_the_model_that_the_book_takes_it_for() {
    let base = book();
    let variant = "gpt-4o-mini-2024-07-18";
    let canonical = base.lookup(OpenAi, variant, now()).unwrap();
    assert_eq!(canonical.model(), "gpt-4o-mini");
    let own = base.with_own(&custom(&[priced(OpenAi, "gpt-4o-mini", None, 5)], &[]));
    let found = told(own.lookup(OpenAi, variant, now()));
    assert_eq!(found, Some(("gpt-4o-mini".to_owned(), Custom, Some(5))));
    let particular = [
        priced(OpenAi, "gpt-4o-mini", None, 5),
        priced(OpenAi, variant, None, 6),
    ];
    let own = base.with_own(&custom(&particular, &[]));
    let found = told(own.lookup(OpenAi, variant, now()));
    assert_eq!(found, Some((variant.to_owned(), Custom, Some(6))));
}

#[test]
fn prices_hold_from_their_instant_until_the_next() {
    let rows = [
        priced(OpenAi, "m", Some("2027-01-01T00:00:00Z"), 3),
        priced(OpenAi, "m", None, 1),
        priced(OpenAi, "m", Some("2026-06-01T12:00:00.5Z"), 2),
        priced(OpenAi, "gpt-4o", Some("2030-01-01T00:00:00Z"), 9),
    ];
    let book = book().with_own(&custom(&rows, &[]));
    let check = |model, instant: &str, expected: Option<u64>| {
        let found = book.lookup(OpenAi, model, at(instant));
        assert_eq!(
            found.and_then(|price| price.base().input),
            expected,
            "{model} {instant}"
        );
    };
    check("m", "1970-01-01T00:00:00Z", Some(1));
    check("m", "2026-06-01T12:00:00.499999Z", Some(1));
    check("m", "2026-06-01T12:00:00.5Z", Some(2));
    check("m", "2026-12-31T23:59:59.999999Z", Some(2));
    check("m", "2027-01-01T00:00:00Z", Some(3));
    // Until the first of them the book's hold.
    check("gpt-4o", "2029-12-31T23:59:59Z", Some(2_500_000));
    check("gpt-4o", "2030-01-01T00:00:00Z", Some(9));
}

#[test]
fn an_alias_is_one_step_and_the_very_name_comes_first() {
    let aliases = [
        (OpenAi, "prod", "gpt-4o"),
        (OpenAi, "prod-*", "gpt-4o-mini"),
        (OpenAi, "prod-chat-*", "HOUSE"),
        (OpenAi, "Prod-Chat-1", "gpt-5-mini"),
        (OpenAi, "a", "b"),
        (OpenAi, "b", "a"),
        (OpenAi, "gpt-5", "nothing-that-is-priced"),
        (OpenAi, "house", "gpt-4o"),
    ];
    let own = [priced(OpenAi, "house", None, 2)];
    let book = book().with_own(&custom(&own, &aliases));
    let check = |kind, model: &str, expected: Option<&str>| {
        let found = book.lookup(kind, model, now());
        assert_eq!(
            found.as_ref().map(ModelPrice::model),
            expected,
            "{kind} {model}"
        );
    };
    check(OpenAi, "PROD", Some("gpt-4o"));
    check(OpenAi, "prod-x", Some("gpt-4o-mini"));
    check(OpenAi, "prod-chat-2", Some("house"));
    check(OpenAi, "prod-chat-1", Some("gpt-5-mini"));
    check(Anthropic, "prod", None);
    // Neither circles nor chains: what an alias leads to is no alias.
    check(OpenAi, "a", None);
    check(OpenAi, "b", None);
    // An alias decides, also against the book; custom prices of the very name come before it.
    check(OpenAi, "gpt-5", None);
    check(OpenAi, "house", Some("house"));
}

#[test]
fn tiers_change_what_they_name_and_price_the_whole_request() {
    let mut price = priced(Anthropic, "m", None, 3_000_000);
    price.prices = UnitPrices {
        output: Some(15_000_000),
        cache_read: Some(300_000),
        cache_write_5m: Some(3_750_000),
        cache_write_1h: Some(6_000_000),
        ..price.prices
    };
    price.tiers = vec![
        PriceTier {
            starts_at: 200_000,
            prices: input(6_000_000),
        },
        PriceTier {
            starts_at: 400_000,
            prices: UnitPrices {
                cache_write_1h: Some(12_000_000),
                ..UnitPrices::default()
            },
        },
    ];
    let book = book().with_own(&custom(&[price], &[]));
    let price = book.lookup(Anthropic, "m", now()).unwrap();
    let check = |usage: TokenUsage, micros: i64| {
        assert_eq!(price.cost(&usage).unwrap().0, micros, "{usage:?}");
    };
    let none = TokenUsage::default();
    check(
        TokenUsage {
            input: 199_999,
            ..none
        },
        599_997,
    );
    check(
        TokenUsage {
            input: 200_000,
            output: 10,
            ..none
        },
        1_200_000 + 150,
    );
    check(
        TokenUsage {
            input: 1,
            cache_write_1h: 199_999,
            ..none
        },
        6 + 1_199_994,
    );
    check(
        TokenUsage {
            input: 1,
            cache_write_1h: 399_999,
            ..none
        },
        6 + 4_799_988,
    );
    check(
        TokenUsage {
            input: 1,
            cache_write_5m: 399_999,
            ..none
        },
        6 + 1_499_996,
    );
    assert_eq!(price.dearest_input_price(399_999), 6_000_000);
    assert_eq!(price.dearest_input_price(400_000), 12_000_000);
}

const NAMES: [&str; 5] = ["a", "b", "ab", "gpt-4o", "claude-sonnet-4-5"];

proptest! {
    /// Whatever was set: an alias is followed once, and what is found is one of the things that were set or the book's.
    #[test]
    fn a_lookup_is_what_the_rules_say(
        prices in prop::collection::vec((0..5_usize, prop::option::of(-3..3_i64), 1..9_u64), 0..6),
        aliases in prop::collection::vec((0..5_usize, 0..5_usize), 0..6),
        asked in 0..5_usize,
    ) {
        let base = book_once();
        let mut rows = std::collections::BTreeMap::new();
        for (name, days, price) in prices {
            rows.insert((NAMES[name], days), price);
        }
        let own: Vec<_> = rows
            .iter()
            .map(|((name, days), price)| CustomPrice {
                effective_from: days.map(|days| now() + chrono::Duration::days(days)),
                ..priced(OpenAi, name, None, *price)
            })
            .collect();
        let aliases: std::collections::BTreeMap<_, _> =
            aliases.into_iter().map(|(from, to)| (NAMES[from], NAMES[to])).collect();
        let listed: Vec<_> = aliases.iter().map(|(from, to)| (OpenAi, *from, *to)).collect();
        let book = base.with_own(&custom(&own, &listed));
        let in_force = |name: &str| {
            let begun = rows.iter().filter(|((of, days), _)| *of == name && days.is_none_or(|days| days <= 0));
            begun.max_by_key(|((_, days), _)| *days).map(|(_, price)| *price)
        };
        let name = NAMES[asked];
        let expected = in_force(name).or_else(|| {
            let target = aliases.get(name).copied().unwrap_or(name);
            in_force(target).or_else(|| base.lookup(OpenAi, target, now())?.base().input)
        });
        let found = book.lookup(OpenAi, name, now());
        prop_assert_eq!(found.and_then(|price| price.base().input), expected);
    }
}

fn book_once() -> &'static PriceBook {
    static BOOK: std::sync::OnceLock<PriceBook> = std::sync::OnceLock::new();
    BOOK.get_or_init(book)
}
