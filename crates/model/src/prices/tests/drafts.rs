//! Prices and aliases as people write them.

use super::super::{AliasDraft, CustomPrice, PriceDrafts, PriceProblem, PriceTier};
use super::{at, own::input};
use crate::metering::UnitPrices;

fn read(json: &str) -> Result<Vec<CustomPrice>, Vec<PriceProblem>> {
    serde_json::from_str::<PriceDrafts>(json)
        .expect("drafts")
        .read()
}

/// Reads one entry beside a good one, and compares what is wrong with it.
fn check(entry: &str, expected: &[(&str, &str)]) {
    let json = format!(
        r#"{{"prices": [{{"provider": "openai", "model": "good", "input_price": 1, "output_price": null,
            "cache_read_price": null, "cache_write_price": null}}, {entry}]}}"#
    );
    let problems = read(&json).err().unwrap_or_default();
    let told: Vec<_> = problems
        .iter()
        .map(|one| (one.field.as_str(), one.detail.as_str()))
        .collect();
    assert_eq!(told, expected, "{entry}");
}

/// An entry with these of the four prices.
fn four(values: [&str; 4], more: &str) -> String {
    let [input, output, read, write] = values;
    format!(
        r#"{{"provider": "anthropic", "model": "m", "input_price": {input}, "output_price": {output},
            "cache_read_price": {read}, "cache_write_price": {write}{more}}}"#
    )
}

const AT_LEAST_ONE: &str =
    "must have at least one price that is not null: input_price or output_price";
const UNKNOWN: &str =
    "is not supported: `bedrock` is not one of `openai`, `anthropic`, `openai-compatible`";
const COUNT: &str = "must be between 1 and 1000000000000";

#[test]
fn every_mistake_is_told_with_its_place() {
    check(&four(["1", "2", "3", "4"], ""), &[]);
    check(&four(["0", "null", "null", "null"], ""), &[]);
    check(&four(["null", "0", "null", "null"], ""), &[]);
    check(
        &four(["null", "null", "null", "null"], ""),
        &[("prices[1]", AT_LEAST_ONE)],
    );
    // A price of cached tokens alone would leave all others unknown.
    check(
        &four(["null", "null", "5", "null"], ""),
        &[("prices[1]", AT_LEAST_ONE)],
    );
    check(
        r#"{"provider": "openai", "model": "m"}"#,
        &[("prices[1]", AT_LEAST_ONE)],
    );
    check(
        &four(["-1", "1000000000001", "1.5", "\"2\""], ""),
        &[
            ("prices[1].input_price", "must not be negative"),
            ("prices[1].output_price", "must not exceed 1000000000000"),
            (
                "prices[1].cache_read_price",
                "must be a whole number of micros, or null",
            ),
            (
                "prices[1].cache_write_price",
                "must be a whole number of micros, or null",
            ),
        ],
    );
    check(
        r#"{"provider": "openai", "model": "m", "input_price": 1}"#,
        &[
            ("prices[1].output_price", "must be given; null is not known"),
            (
                "prices[1].cache_read_price",
                "must be given; null is not known",
            ),
            (
                "prices[1].cache_write_price",
                "must be given; null is not known",
            ),
        ],
    );
    check(
        r#"{"provider": "bedrock", "input_price": 1, "output_price": 1, "cache_read_price": 1, "cache_write_price": 1}"#,
        &[
            ("prices[1].provider", UNKNOWN),
            ("prices[1].model", "must be given"),
        ],
    );
    check(
        r#"{"model": " m", "input_price": 1, "output_price": 1, "cache_read_price": 1, "cache_write_price": 1}"#,
        &[
            ("prices[1].provider", "must be given"),
            (
                "prices[1].model",
                "must not have control characters, or spaces at an end",
            ),
        ],
    );
}

#[test]
fn mistakes_in_what_is_optional_are_told_too() {
    let long = four(["1", "1", "1", "1"], "").replace("\"m\"", &format!("\"{}\"", "m".repeat(257)));
    check(
        &long,
        &[("prices[1].model", "must not be longer than 256 bytes")],
    );
    check(
        &four(
            ["1", "1", "1", "1"],
            r#", "context_window": 0, "max_output_tokens": -4"#,
        ),
        &[
            ("prices[1].context_window", COUNT),
            ("prices[1].max_output_tokens", COUNT),
        ],
    );
    // The year 0000 is one before Christ to the database, which writes it in another way than it is read.
    for year in ["+12000", "0000"] {
        let from = format!(r#", "effective_from": "{year}-01-01T00:00:00Z""#);
        check(
            &four(["1", "1", "1", "1"], &from),
            &[(
                "prices[1].effective_from",
                "must be in the years 0001 to 9999",
            )],
        );
    }
    let same = r#"{"provider": "openai", "model": "GOOD", "input_price": 1, "output_price": 1,
        "cache_read_price": 1, "cache_write_price": 1, "effective_from": null}"#;
    check(
        same,
        &[(
            "prices[1]",
            "is the same provider, model and effective_from as prices[0]",
        )],
    );
    check(&same.replace("null", "\"2030-01-01T00:00:00Z\""), &[]);
    check(
        &four(
            ["1", "1", "1", "1"],
            r#", "tiers": [{"input_price": 2}, {"starts_at": 0, "input_price": -2},
            {"starts_at": 5}, {"starts_at": 5, "request_price": 1}]"#,
        ),
        &[
            ("prices[1].tiers[0].starts_at", "must be given"),
            ("prices[1].tiers[1].input_price", "must not be negative"),
            ("prices[1].tiers[1].starts_at", COUNT),
            (
                "prices[1].tiers[2]",
                "must have at least one price that is not null",
            ),
            (
                "prices[1].tiers[3].starts_at",
                "is the start of another tier",
            ),
        ],
    );
}

#[test]
fn an_empty_list_is_a_mistake() {
    for json in ["{}", r#"{"prices": null}"#, r#"{"prices": []}"#] {
        let problems = read(json).expect_err("nothing");
        assert_eq!(problems[0].field, "prices", "{json}");
    }
}

#[test]
fn what_is_right_is_read_whole() {
    let more = r#", "cache_write_1h_price": 5, "audio_input_price": 6, "audio_output_price": 7, "web_search_price": 8,
        "request_price": 9, "context_window": 10, "max_output_tokens": 11, "unknown": {},
        "effective_from": "2026-12-01T01:00:00.0000019+01:00",
        "tiers": [{"starts_at": 30, "output_price": 3}, {"starts_at": 20, "input_price": 2, "output_price": null}]"#;
    let json = format!(r#"{{"prices": [{}]}}"#, four(["1", "2", "3", "4"], more));
    let price = read(&json).expect("a price").remove(0);
    assert_eq!(
        price.effective_from,
        Some(at("2026-12-01T00:00:00.000001Z"))
    );
    assert_eq!(
        (price.context_window, price.max_output_tokens),
        (Some(10), Some(11))
    );
    let all = UnitPrices {
        input: Some(1),
        output: Some(2),
        cache_read: Some(3),
        cache_write_5m: Some(4),
        cache_write_1h: Some(5),
        audio_input: Some(6),
        audio_output: Some(7),
        web_searches: Some(8),
        requests: Some(9),
    };
    assert_eq!(price.prices, all);
    let output = UnitPrices {
        output: Some(3),
        ..UnitPrices::default()
    };
    let tiers = [(20, input(2)), (30, output)];
    let tiers = tiers.map(|(starts_at, prices)| PriceTier { starts_at, prices });
    assert_eq!(price.tiers, tiers);
}

#[test]
fn aliases_are_names_or_patterns_for_one_other_model() {
    let check = |json: &str, fields: &[&str]| {
        let draft: AliasDraft = serde_json::from_str(json).expect("a draft");
        let problems = draft.read().err().unwrap_or_default();
        let told: Vec<_> = problems.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(told, fields, "{json}");
    };
    let alias = |name: &str, model: &str| {
        format!(
            r#"{{"provider": "openai", "provider_model": "{name}", "priced_model": "{model}"}}"#
        )
    };
    check(&alias("a", "b"), &[]);
    check(&alias("a*b*", "b"), &[]);
    check(&alias("*", "b"), &["provider_model"]);
    check(&alias("**", "b"), &["provider_model"]);
    check(&alias("a", "b*"), &["priced_model"]);
    check(&alias("A", "a"), &["priced_model"]);
    check(&alias("", "b"), &["provider_model"]);
    check("{}", &["provider", "provider_model", "priced_model"]);
}
