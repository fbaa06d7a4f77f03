//! An operator's own price file.

use super::super::ProviderKind;
use super::{book, now};
use crate::metering::{PriceSource, UnitPrices};

#[test]
fn a_custom_entry_wins() {
    use ProviderKind::{Anthropic, OpenAi, OpenAiCompatible};
    let book = book()
        .with_custom(
            r#"{"models": [
                {"provider": "openai", "model": "gpt-4o-mini", "context_window": 5, "max_output_tokens": 6,
                 "prices": [{"prices": {"input_mtok": "1.5", "output_mtok": 0.25}}]},
                {"model": "house", "match": {"starts_with": "house-"},
                 "prices": [{"prices": {"input_mtok": 0, "output_mtok": "0"}}]},
                {"provider": "rack-7", "model": "local",
                 "prices": [{"prices": {"output_mtok": {"base": "1", "tiers": [{"start": 10, "price": "2"}]}}}]}
            ]}"#,
        )
        .expect("a price file");
    let check = |kind, name: &str, expected: Option<(PriceSource, UnitPrices)>| {
        let found = book.lookup(kind, name, now());
        let found = found.map(|price| (price.source(), price.snapshot(10).prices));
        assert_eq!(found, expected, "{kind} {name}");
    };
    let custom = |input, output| {
        Some((
            PriceSource::OperatorFile,
            UnitPrices {
                input,
                output,
                ..UnitPrices::default()
            },
        ))
    };
    check(
        OpenAi,
        "gpt-4o-mini",
        custom(Some(1_500_000), Some(250_000)),
    );
    check(
        OpenAi,
        "GPT-4o-mini",
        custom(Some(1_500_000), Some(250_000)),
    );
    check(
        OpenAiCompatible,
        "gpt-4o-mini",
        custom(Some(1_500_000), Some(250_000)),
    );
    check(Anthropic, "gpt-4o-mini", None);
    for kind in ProviderKind::ALL {
        check(kind, "house-1", custom(Some(0), Some(0)));
    }
    check(OpenAiCompatible, "local", custom(None, Some(2_000_000)));
    check(OpenAi, "local", None);
    let price = book.lookup(OpenAi, "gpt-4o-mini", now()).expect("a price");
    assert_eq!(
        (price.context_window(), price.max_output_tokens()),
        (Some(5), Some(6))
    );
    assert_eq!(book.len(), 696);
}

#[test]
fn a_custom_file_with_a_mistake_is_refused() {
    let check = |entry: &str, message: &str| {
        let json = format!(r#"{{"models": [{entry}]}}"#);
        let error = book().with_custom(&json).expect_err("a mistake");
        assert_eq!(error.to_string(), message, "{entry}");
    };
    let format = "the text is not a price file";
    check(r#"{"model": "m"}"#, format);
    check(
        r#"{"model": "m", "prices": [{"prices": {"input_mtok": "1"}}], "context": 5}"#,
        format,
    );
    check(
        r#"{"model": "m", "prices": [{"prices": {"input_mtok": null}}]}"#,
        format,
    );
    check(
        r#"{"model": "m", "match": {"is": "m"}, "prices": []}"#,
        format,
    );
    check(
        r#"{"model": "m", "prices": [{"constraint": {"day": 1}, "prices": {}}]}"#,
        format,
    );
    check(
        r#"{"model": "m", "prices": []}"#,
        "model `m` has no token price",
    );
    check(
        r#"{"model": "m", "prices": [{"prices": {}}]}"#,
        "model `m` has no token price",
    );
    check(
        r#"{"model": "m", "prices": [{"prices": {"inputs_mtok": "1"}}]}"#,
        "model `m` has a price of the unknown kind `inputs_mtok`",
    );
    check(
        r#"{"model": "m", "prices": [{"prices": {"input_mtok": "-1"}}]}"#,
        "model `m`: `input_mtok` of `-1` is not an amount in dollars with at most six decimals",
    );
    check(
        r#"{"model": "m", "prices": [{"prices": {"input_mtok": 0.0000001}}]}"#,
        "model `m`: `input_mtok` of `1e-7` is not an amount in dollars with at most six decimals",
    );
    check(
        r#"{"model": "m", "match": {"regex": "("}, "prices": [{"prices": {"input_mtok": "1"}}]}"#,
        "pattern `(` is not a regular expression",
    );
    check(
        r#"{"model": "m", "prices": [{"constraint": {"start_time": "1 am", "end_time": "04:00:00Z"},
            "prices": {"input_mtok": "1"}}]}"#,
        "model `m`: `1 am` is not a time of day with an offset",
    );
}
