//! The built-in file against the crate `genai-prices`, which the same people publish.

use std::{collections::BTreeSet, sync::Arc};

use super::super::{
    ModelPrice,
    catalog::{catalog_price, catalog_prices},
    file::Entry,
};
use super::{at, book, now};

/// What the file has and the crate, a release older, has not or has otherwise.
const NEWER_IN_THE_FILE: &[&str] = &[
    "anthropic/claude-fable-5-2",
    "anthropic/claude-mythos-5-2",
    "aws/global.anthropic.claude-fable-5-2",
    "aws/global.anthropic.claude-mythos-5-2",
    "aws/global.moonshotai.kimi-k3",
    "aws/global.moonshotai.kimi-k3.1",
    "aws/global.openai.gpt-6.1-terra",
    "aws/global.zai.glm-5.3",
    "aws/regional.anthropic.claude-fable-5-2",
    "aws/regional.anthropic.claude-mythos-5-2",
    "aws/regional.moonshotai.kimi-k3",
    "aws/regional.moonshotai.kimi-k3.1",
    "aws/regional.openai.gpt-6.1-terra",
    "aws/regional.zai.glm-5.3",
    "fireworks/deepseek-v4p1-flash-1017-ultrafast",
    "fireworks/kimi-k3p1-pro",
    "fireworks/ultramarine-1-flash-us",
    "google/claude-fable-5-2",
    "mistral/deepseek-v4-1-flash-1017",
    // The crate lacks only its price since 2026-10-29.
    "mistral/mistral-large-4",
    "openai/gpt-6-cyber",
    "openai/gpt-6-rosalind",
    "together/moonshotai/Kimi-K3.1-Pro",
    "together/ricursive-ai/Ripple-65B-Preview",
];

/// Asks both for every literal name of the file's match rules, at three instants and in every tier.
#[test]
fn file_and_crate_agree_on_every_name_and_price() {
    let book = book();
    let (mut seen, mut differing) = (BTreeSet::new(), BTreeSet::new());
    for entry in book.entries() {
        let provider = entry.facts.provider.as_str();
        for name in entry.examples() {
            let ours = book
                .on_shelf(provider, name)
                .expect("its own entry covers it, if none before");
            let id = format!("{provider}/{}", ours.facts.model);
            if !agrees(&ours, provider, name) {
                differing.insert(id.clone());
            }
            seen.insert(id);
        }
    }
    assert_eq!(differing.iter().collect::<Vec<_>>(), NEWER_IN_THE_FILE);
    let ids = |entry: &Arc<Entry>| format!("{}/{}", entry.facts.provider, entry.facts.model);
    assert_eq!(seen, book.entries().map(ids).collect());
}

fn agrees(ours: &Entry, provider: &str, name: &str) -> bool {
    [
        "2026-11-25T12:00:00Z",
        "2026-11-25T02:00:00Z",
        "2025-04-01T17:00:00Z",
    ]
    .into_iter()
    .all(|instant| {
        let instant = at(instant);
        let price = ours.at(instant);
        let starts = price.as_ref().map_or(vec![0], ModelPrice::starts);
        starts.into_iter().all(|start| {
            let size = u32::try_from(start + 1).expect("a size");
            let mine = price
                .as_ref()
                .map(|price| price.snapshot(start + 1).prices.effective());
            catalog_prices(provider, name, instant, size).is_some_and(|(model, theirs)| {
                let theirs = theirs.effective();
                model == ours.facts.model
                    && mine.map_or(
                        theirs.input == Some(0) && theirs.output == Some(0),
                        |mine| mine == theirs,
                    )
            })
        })
    })
}

#[test]
fn the_catalogue_shows_its_tiers() {
    // The crate knows these two as well; the file is the witness.
    for (provider, model) in [
        ("anthropic", "claude-sonnet-4-5"),
        ("openai", "gpt-5.5-pro"),
    ] {
        let kind = provider.parse().expect("a kind");
        let ours = book().lookup(kind, model, now()).expect("a price");
        let theirs = catalog_price(provider, model, now()).expect("a price");
        assert_eq!(ours.starts(), theirs.starts(), "{model}");
        assert_eq!(ours.context_window(), theirs.context_window());
        for start in ours.starts() {
            let (ours, theirs) = (ours.snapshot(start).prices, theirs.snapshot(start).prices);
            assert_eq!(ours.effective(), theirs.effective(), "{model} {start}");
        }
    }
}
