//! Files of prices that are imported.

use super::super::{ImportedPrices, ProviderKind};
use super::{at, book, own::custom};

const FILE: &str = r#"{"models": [
    {"provider": "openai", "model": "gpt-4o-mini", "context_window": 128000,
     "prices": [{"prices": {"input_mtok": "0.12", "output_mtok": "0.48"}},
                {"constraint": {"start_date": "2027-01-01"}, "prices": {"input_mtok": "0.1", "output_mtok": "0.4"}}]},
    {"model": "house", "match": {"or": [{"starts_with": "house-"}, {"equals": "haus"}, {"equals": "house"}]},
     "prices": [{"constraint": {"start_date": "2026-06-01"},
        "prices": {"input_mtok": {"base": "1", "tiers": [{"start": 1000, "price": "2"}]}, "output_mtok": "3"}}]},
    {"provider": "rack-7", "model": "local", "match": {"contains": "local"},
     "prices": [{"prices": {"output_mtok": "1"}}]}
]}"#;

/// What is imported prices every name as the file does that it comes from.
#[test]
fn an_imported_file_prices_like_the_file() {
    let imported = ImportedPrices::parse(FILE).unwrap();
    let of_file = book().with_custom(FILE).unwrap();
    let aliases: Vec<_> = imported
        .aliases
        .iter()
        .map(|alias| {
            (
                alias.provider,
                alias.provider_model.as_str(),
                alias.priced_model.as_str(),
            )
        })
        .collect();
    let own = book().with_own(&custom(&imported.prices, &aliases));
    let names = [
        "gpt-4o-mini",
        "GPT-4o-mini",
        "house",
        "house-9",
        "haus",
        "hau",
        "my-local-model",
        "local",
        "gpt-5",
    ];
    let instants = [
        "2026-05-31T23:59:59Z",
        "2026-06-01T00:00:00Z",
        "2026-12-31T23:59:59Z",
        "2027-01-01T00:00:00Z",
    ];
    for kind in ProviderKind::ALL {
        for name in names {
            for instant in instants {
                let told = |book: &super::super::PriceBook| {
                    let price = book.lookup(kind, name, at(instant))?;
                    let limits = (price.context_window(), price.max_output_tokens());
                    Some((price.base(), price.tiers().collect::<Vec<_>>(), limits.0))
                };
                assert_eq!(told(&own), told(&of_file), "{kind} {name} {instant}");
            }
        }
    }
    // Two kinds see the first entry at two dates, three the second, one the third.
    assert_eq!(
        (imported.prices.len(), imported.aliases.len()),
        (2 * 2 + 3 * 2 + 1, 3 * 2 + 1)
    );
}

#[test]
fn the_body_of_a_request_is_a_file_too() {
    let body = r#"{"prices": [{"provider": "openai", "model": "m", "input_price": 1, "output_price": 2,
        "cache_read_price": null, "cache_write_price": null}]}"#;
    let imported = ImportedPrices::parse(body).unwrap();
    assert_eq!((imported.prices.len(), imported.aliases.len()), (1, 0));
}

#[test]
fn what_cannot_be_imported_is_said() {
    let check = |json: &str, message: &str| {
        let error = ImportedPrices::parse(json).expect_err("a mistake");
        assert_eq!(error.to_string(), message, "{json}");
    };
    let model = |more: &str| {
        format!(
            r#"{{"models": [{{"model": "m", {more} "prices": [{{"prices": {{"input_mtok": "1"}}}}]}}]}}"#
        )
    };
    let rule =
        "model `m`: a match rule with `regex` or `and`, or with a star in it, cannot be imported";
    check(&model(r#""match": {"regex": "^m"},"#), rule);
    check(&model(r#""match": {"and": [{"starts_with": "m"}]},"#), rule);
    check(&model(r#""match": {"starts_with": ""},"#), rule);
    check(&model(r#""match": {"equals": "a*"},"#), rule);
    check(
        r#"{"models": [{"model": "m", "prices": [{"constraint": {"start_time": "01:00:00Z", "end_time": "02:00:00Z"},
            "prices": {"input_mtok": "1"}}]}]}"#,
        "model `m`: prices by the time of day cannot be imported",
    );
    check(
        r#"{"models": [{"model": "m", "prices": [{"prices": {"input_mtok": "1"}}]},
            {"provider": "openai", "model": "M", "prices": [{"prices": {"input_mtok": "1"}}]}]}"#,
        "model `M`: there are two entries for it",
    );
    check(
        r#"{"prices": [{"provider": "openai"}]}"#,
        "2 values of the file cannot be set: `prices[0].model` must be given; `prices[0]` must have at least one \
         price that is not null: input_price or output_price",
    );
    check(r#"{"models": [{}]}"#, "the price file cannot be used");
    check(
        "5",
        "the text has neither `prices` nor `models` in the format of the API or of a price file",
    );
}
