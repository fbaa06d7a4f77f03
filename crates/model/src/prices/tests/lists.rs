//! All prices as rows.

use super::super::{
    CustomPrices, ListedPrice, PriceFilter, PriceOrigin, PriceSelection, ProviderKind,
};
use super::{
    book, now,
    own::{custom, priced},
};

use PriceOrigin::{Custom, Default as Built};
use PriceSelection::{All, Effective, Of};
use ProviderKind::{Anthropic, OpenAi, OpenAiCompatible};

fn set() -> CustomPrices {
    let prices = [
        priced(OpenAi, "GPT-4o", None, 1),
        priced(OpenAi, "gpt-4o", Some("2020-01-01T00:00:00Z"), 2),
        priced(OpenAi, "gpt-4o", Some("2090-01-01T00:00:00Z"), 3),
        priced(OpenAi, "house", Some("2090-01-01T00:00:00Z"), 4),
    ];
    custom(
        &prices,
        &[(OpenAi, "prod", "gpt-4o"), (OpenAi, "gpt-5", "gpt-5-mini")],
    )
}

fn list(
    provider: Option<ProviderKind>,
    model: Option<&str>,
    source: PriceSelection,
) -> Vec<ListedPrice> {
    let filter = PriceFilter {
        provider,
        model: model.map(str::to_owned),
        source,
    };
    book().list(&set(), &filter, now())
}

#[test]
fn a_model_has_one_effective_row() {
    let check = |model, source, expected: &[(&str, PriceOrigin, bool, u64)]| {
        let rows = list(Some(OpenAi), Some(model), source);
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                let input = row.prices.input.unwrap();
                (row.priced_model.as_str(), row.source, row.effective, input)
            })
            .collect();
        assert_eq!(told, expected, "{model} {source:?}");
    };
    let custom = [
        ("GPT-4o", Custom, false, 1),
        ("gpt-4o", Custom, true, 2),
        ("gpt-4o", Custom, false, 3),
    ];
    check("gpt-4o", Effective, &custom[1..2]);
    check("gpt-4O", Of(Custom), &custom);
    let built = ("gpt-4o", Built, false, 2_500_000);
    check("gpt-4o", Of(Built), &[built]);
    check("gpt-4o", All, &[&[built], &custom[..]].concat());
    // A variant, an alias, an alias over the book, a model of the future, and nothing.
    check(
        "gpt-4o-2024-11-20",
        Effective,
        &[("gpt-4o", Custom, true, 2)],
    );
    check("prod", Effective, &[("gpt-4o", Custom, true, 2)]);
    check("gpt-5", Effective, &[("gpt-5-mini", Built, true, 250_000)]);
    check("house", Effective, &[]);
    check("house", All, &[("house", Custom, false, 4)]);
    check("no-such-model", All, &[]);
}

/// What is listed as effective is what a request for that name is charged by.
#[test]
fn what_is_listed_as_effective_is_what_counts() {
    let rows = list(None, None, Effective);
    let book = book().with_own(&set());
    let mut wrong = Vec::new();
    for row in &rows {
        let found = book.lookup(row.provider, &row.model, now());
        let same = found
            .is_some_and(|price| price.base() == row.prices && price.model() == row.priced_model);
        if !same {
            wrong.push(format!("{}: {}", row.provider, row.model));
        }
    }
    assert_eq!(wrong, [""; 0]);
    let count = |kind| rows.iter().filter(|row| row.provider == kind).count();
    assert!(count(OpenAi) > 50 && count(Anthropic) > 15 && count(OpenAiCompatible) > 500);
    let mut names: Vec<_> = rows
        .iter()
        .map(|row| (row.provider, row.model.to_lowercase()))
        .collect();
    assert!(names.is_sorted());
    names.dedup();
    assert_eq!(names.len(), rows.len());
}

#[test]
fn an_operators_file_stands_before_what_is_built_in() {
    let file = r#"{"models": [
        {"provider": "openai", "model": "gpt-4o", "prices": [{"prices": {"input_mtok": "7"}}]}
    ]}"#;
    let book = book().with_custom(file).unwrap();
    let filter = PriceFilter {
        provider: Some(OpenAi),
        ..PriceFilter::default()
    };
    let rows = book.list(&CustomPrices::default(), &filter, now());
    let found: Vec<_> = rows.iter().filter(|row| row.model == "gpt-4o").collect();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].source, found[0].prices.input),
        (Built, Some(7_000_000))
    );
}
