//! The golden cases against the crate `genai-prices`: its prices for the usage that we read, and its own reading.

use genai_prices::{Calculator, ExtractRequest, PriceRequest, Usage, UsageKey as Key};
use model::{
    metering::{TokenUsage, UnitPrices},
    prices::ModelPrice,
};

use super::{BOOKS, Book, Case, instant};
use crate::wire::Dialect;

const TIER: &str = "a tier begins at its start, in the crate one token later";
const QUOTES: &str = "it reads no numbers in quotes";
const TOTAL: &str = "it does not compute a figure from the total";
const REASONING: &str = "it does not know that reasoning may be beside the completion";
const CACHED: &str = "it does not know that cached tokens may be beside the prompt";
const FIELD: &str = "it does not know this provider's own field";
const NAMES: &str = "it reads one format's names only";
const SEARCHES: &str = "it does not look for searches in the output";

/// Where the crate's cost of the same usage is another, and why.
const PRICED_OTHERWISE: &[(&str, &str, &str)] = &[
    ("chat", "at the start of the long context tier", TIER),
    ("responses", "at the start of the long context tier", TIER),
    ("messages", "at the start of the long context tier", TIER),
];

/// Where the crate reads another usage out of the same answer, and why.
const READ_OTHERWISE: &[(&str, &str, &str)] = &[
    ("chat", "numbers in quotes", QUOTES),
    ("chat", "prompt only by the total", TOTAL),
    ("chat", "completion left out when empty", TOTAL),
    ("chat", "completion only by the total", TOTAL),
    (
        "chat",
        "reasoning beside the completion, by the total",
        REASONING,
    ),
    (
        "chat",
        "reasoning beside the completion, without a total",
        REASONING,
    ),
    ("chat", "no completion but reasoning", REASONING),
    ("chat", "thoughts seen by the total only", REASONING),
    ("chat", "more cached than prompt", CACHED),
    ("chat", "cached beside the prompt, by the total", CACHED),
    ("chat", "cached and reasoning beside, by the total", CACHED),
    (
        "chat",
        "as much reasoning as cached tokens, one of them beside",
        REASONING,
    ),
    ("chat", "cache hit and miss", FIELD),
    ("chat", "cached tokens beside the prompt figure", FIELD),
    (
        "chat",
        "a zero in the details and the truth beside them",
        FIELD,
    ),
    (
        "chat",
        "cache writes of both lifetimes through a translator",
        FIELD,
    ),
    ("chat", "at the start of the long context tier", TIER),
    ("chat", "names of the sister format", NAMES),
    ("chat", "a search per request", FIELD),
    (
        "responses",
        "reasoning beside the output, by the total",
        REASONING,
    ),
    ("responses", "numbers in quotes", QUOTES),
    ("responses", "output by the total", TOTAL),
    ("responses", "names of the sister format", NAMES),
    ("responses", "more cached than input", CACHED),
    ("responses", "two searches", SEARCHES),
    ("responses", "opening a page is no search", SEARCHES),
    (
        "responses",
        "a search that does not say what it did",
        SEARCHES,
    ),
    ("responses", "at the start of the long context tier", TIER),
    ("messages", "a split without a sum", "it needs the sum"),
    (
        "messages",
        "a sum larger than its split, all of it for an hour",
        "it takes what the split leaves open for the cheaper lifetime",
    ),
    ("messages", "numbers in quotes", QUOTES),
    (
        "messages",
        "a compaction before the answer",
        "it does not add up the steps of a request",
    ),
    ("messages", "at the start of the long context tier", TIER),
];

/// Dollars that are equal but for the rounding of floats.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1e-6)
}

/// The cost before it is rounded, in dollars.
fn exact(price: &ModelPrice, usage: &TokenUsage) -> f64 {
    let p: UnitPrices = price.snapshot(usage.total_input()).prices;
    let input = p.input.or(p.output);
    let output = p.output.or(p.input);
    let write = p.cache_write_5m.or(input);
    let tokens = [
        (usage.input, input),
        (usage.cache_read, p.cache_read.or(input)),
        (usage.cache_write_5m, write),
        (usage.cache_write_1h, p.cache_write_1h.or(write)),
        (usage.output, output),
        (usage.audio_input, p.audio_input.or(input)),
        (usage.audio_output, p.audio_output.or(output)),
    ];
    let sum = |parts: &[(u64, Option<u64>)]| -> u64 {
        parts
            .iter()
            .map(|(count, price)| count * price.unwrap_or(0))
            .sum()
    };
    let fees = [(usage.web_searches, p.web_searches), (1, p.requests)];
    float(sum(&tokens)) / 1e12 + float(sum(&fees)) / 1e9
}

fn float(count: u64) -> f64 {
    // Far below 2^53 in all cases.
    count.to_string().parse().unwrap()
}

/// A usage in the crate's words: its wholes contain their parts.
fn in_its_words(usage: &TokenUsage) -> Usage {
    let written = usage.cache_write_5m + usage.cache_write_1h;
    let figures = [
        (Key::INPUT_TOKENS, usage.total_input()),
        (Key::CACHE_READ_TOKENS, usage.cache_read),
        (Key::CACHE_WRITE_TOKENS, written),
        (Key::CACHE_WRITE_1H_TOKENS, usage.cache_write_1h),
        (Key::INPUT_AUDIO_TOKENS, usage.audio_input),
        (Key::OUTPUT_TOKENS, usage.total_output()),
        (Key::OUTPUT_AUDIO_TOKENS, usage.audio_output),
        (Key::WEB_SEARCHES, usage.web_searches),
    ];
    let told = figures.into_iter().filter(|(_, count)| *count > 0);
    told.map(|(key, count)| (key, float(count))).collect()
}

/// The crate's cost, in dollars, if it knows the model.
fn theirs(price: &ModelPrice, case: &Case, usage: &Usage) -> Option<f64> {
    let request = PriceRequest::new(&case.model, usage)
        .with_provider_id(price.provider())
        .with_timestamp(instant());
    let answer = Calculator::bundled().calculate(&request);
    answer.ok().map(|answer| answer.total_price)
}

/// Runs all cases and compares the differing ones with a table.
fn compare(
    table: &[(&str, &str, &str)],
    differs: impl Fn(&Book, &Case, &ModelPrice) -> Option<Result<(), String>>,
    least: usize,
) {
    let (mut compared, mut differing) = (0, Vec::new());
    for book in &BOOKS {
        for case in book.cases() {
            let Some(outcome) = differs(book, &case, &book.price(&case)) else {
                continue;
            };
            compared += 1;
            if let Err(how) = outcome {
                differing.push((book.name, case.name.clone(), how));
            }
        }
    }
    let found: Vec<(&str, &str)> = differing
        .iter()
        .map(|(book, name, _)| (*book, name.as_str()))
        .collect();
    let explained: Vec<(&str, &str)> = table.iter().map(|(book, name, _)| (*book, *name)).collect();
    assert_eq!(found, explained, "{differing:#?}");
    assert!(compared >= least, "{compared} compared");
}

#[test]
fn the_crate_asks_the_same_price_for_every_case() {
    let differs = |_: &Book, case: &Case, price: &ModelPrice| {
        let ours = exact(price, &case.usage);
        let theirs = theirs(price, case, &in_its_words(&case.usage))?;
        Some(if same(ours, theirs) {
            Ok(())
        } else {
            Err(format!("{ours} and {theirs}"))
        })
    };
    compare(PRICED_OTHERWISE, differs, 250);
}

#[test]
fn the_crate_reads_the_same_out_of_plain_answers() {
    let differs = |book: &Book, case: &Case, price: &ModelPrice| {
        let body = case.body.as_ref().filter(|_| !case.estimated)?;
        let flavor = match book.dialect {
            Dialect::OpenAiChat => "chat",
            Dialect::OpenAiResponses => "responses",
            Dialect::AnthropicMessages => "default",
        };
        // Its extractors are those of the two houses whose formats these are.
        let house = match book.dialect {
            Dialect::OpenAiChat | Dialect::OpenAiResponses => "openai",
            Dialect::AnthropicMessages => "anthropic",
        };
        let request = ExtractRequest::new(body.get())
            .with_provider_id(house)
            .with_api_flavor(flavor);
        let read = Calculator::bundled().extract_provider_usage(&request);
        let ours = exact(price, &case.usage);
        Some(match read {
            Err(error) => Err(error.to_string()),
            Ok(read) => match theirs(price, case, &read.usage) {
                Some(theirs) if same(ours, theirs) => Ok(()),
                theirs => Err(format!("{ours} and {theirs:?} for {:?}", read.usage)),
            },
        })
    };
    compare(READ_OTHERWISE, differs, 80);
}
