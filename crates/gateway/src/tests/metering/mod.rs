//! What answers of all shapes cost: golden cases, a line each in `*.jsonl` beside this file.
//!
//! A case names a model, an answer (`body`, or `text` as it is; for a stream `events`, or `sse` as it is), the usage that
//! is to be read, whether it is an estimate, and the cost in micros. The costs were computed by another program, from the
//! price file, and are compared with those of the crate `genai-prices` in `crosscheck`.

mod crosscheck;

use std::fmt::Write;

use chrono::{DateTime, Utc};
use model::{
    Micros, ReservationId, UserId,
    metering::TokenUsage,
    prices::{ModelPrice, ProviderKind},
    spend::{Account, Settlement, SettlementBasis},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::rig::prices;
use crate::{
    held::Bill,
    wire::{Dialect, Metered, StreamMeter, golden::cuts, read_usage},
};

/// What an estimate is bounded by, in tokens, in all cases.
const INPUT_BOUND: u64 = 1_000;
const OUTPUT_CAP: u64 = 400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    model: String,
    kind: Option<ProviderKind>,
    body: Option<Box<RawValue>>,
    text: Option<String>,
    events: Option<Vec<Box<RawValue>>>,
    sse: Option<String>,
    usage: TokenUsage,
    #[serde(default)]
    estimated: bool,
    cost: i64,
}

impl Case {
    /// The answer's bytes, and whether they are a stream.
    fn answer(&self) -> (String, bool) {
        match (&self.body, &self.text, &self.events, &self.sse) {
            (Some(body), None, None, None) => (body.get().to_owned(), false),
            (None, Some(text), None, None) => (text.clone(), false),
            (None, None, Some(events), None) => (stream_of(events), true),
            (None, None, None, Some(sse)) => (sse.clone(), true),
            _ => panic!("{}: not one answer", self.name),
        }
    }
}

/// Events as servers send them: by their type where the format has one, and a bare end mark.
fn stream_of(events: &[Box<RawValue>]) -> String {
    let mut stream = String::new();
    for event in events {
        let (mut data, value) = (
            event.get(),
            serde_json::from_str::<Value>(event.get()).unwrap(),
        );
        if let Some(kind) = value["type"].as_str() {
            writeln!(stream, "event: {kind}").unwrap();
        }
        data = value.as_str().map_or(data, |_| data.trim_matches('"'));
        write!(stream, "data: {data}\n\n").unwrap();
    }
    stream
}

/// A file of cases.
struct Book {
    name: &'static str,
    dialect: Dialect,
    /// The type of provider of a case that names none.
    kind: ProviderKind,
    text: &'static str,
}

const BOOKS: [Book; 3] = [
    Book {
        name: "chat",
        dialect: Dialect::OpenAiChat,
        kind: ProviderKind::OpenAi,
        text: include_str!("openai-chat.jsonl"),
    },
    Book {
        name: "responses",
        dialect: Dialect::OpenAiResponses,
        kind: ProviderKind::OpenAi,
        text: include_str!("openai-responses.jsonl"),
    },
    Book {
        name: "messages",
        dialect: Dialect::AnthropicMessages,
        kind: ProviderKind::Anthropic,
        text: include_str!("anthropic-messages.jsonl"),
    },
];

impl Book {
    fn cases(&self) -> impl Iterator<Item = Case> {
        self.text.lines().map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        })
    }

    fn price(&self, case: &Case) -> ModelPrice {
        let kind = case.kind.unwrap_or(self.kind);
        prices()
            .lookup(kind, &case.model, instant())
            .unwrap_or_else(|| panic!("{}: no price", case.name))
    }
}

/// Prices change; the cases are of one day.
fn instant() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn bill(price: ModelPrice) -> Bill {
    Bill {
        id: ReservationId(Uuid::from_u128(1)),
        account: Account {
            user_id: UserId(Uuid::from_u128(2)),
            group_id: None,
            organization_id: None,
        },
        price: Some(price),
        unpriced: None,
        input_tokens: INPUT_BOUND,
        output_tokens: OUTPUT_CAP,
        web_searches: 0,
        ceiling: None,
    }
}

/// Reads a stream as the gateway does: the first reading after its end counts, else the last.
fn metered(dialect: Dialect, pieces: &[&[u8]]) -> Metered {
    let mut meter = StreamMeter::new(dialect);
    for piece in pieces {
        meter.feed(piece);
        if meter.ended() {
            return meter.snapshot();
        }
    }
    meter.finish()
}

#[test]
fn every_case_is_read_and_priced_to_the_micro() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for book in &BOOKS {
        for case in book.cases() {
            seen += 1;
            let bill = bill(book.price(&case));
            let expected = expected(&case);
            let mut check = |what: String, metered: &Metered| {
                let found = charge(&bill.settlement(metered));
                if found != expected {
                    wrong.push(format!(
                        "{}, {}, {what}:\n  found    {found:?}\n  expected {expected:?}",
                        book.name, case.name
                    ));
                }
            };
            let (answer, streamed) = case.answer();
            if streamed {
                for pieces in cuts(answer.as_bytes()) {
                    let what = format!("{} pieces", pieces.len());
                    check(what, &metered(book.dialect, &pieces));
                }
            } else {
                check(
                    "whole".to_owned(),
                    &read_usage(book.dialect, answer.as_bytes()),
                );
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(seen >= 150, "{seen} cases");
}

type Charge = (TokenUsage, Option<Micros>, SettlementBasis);

fn charge(settlement: &Settlement) -> Charge {
    (settlement.usage, settlement.cost, settlement.basis)
}

fn expected(case: &Case) -> Charge {
    let basis = if case.estimated {
        SettlementBasis::Estimated
    } else {
        SettlementBasis::Reported
    };
    (case.usage, Some(Micros(case.cost)), basis)
}

#[test]
fn names_tell_cases_apart() {
    for book in &BOOKS {
        let mut names: Vec<String> = book.cases().map(|case| case.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{}", book.name);
    }
}
