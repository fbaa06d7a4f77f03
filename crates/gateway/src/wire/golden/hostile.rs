//! Requests that are refused, and input that nobody would send in good faith.

use bytes::Bytes;
use model::prices::ProviderKind;
use proptest::prelude::*;

use super::{ANTHROPIC, OPENAI, RESPONSES};
use crate::wire::{Change, StreamMeter, UsageChunkFilter, parse_request, read_usage, rewrite};

const BODIES: &[(&str, &str)] = &[
    ("", "the request body is not valid JSON"),
    (r#"{"model":"#, "the request body is not valid JSON"),
    (
        r#"{"model":"m","messages":[]}{}"#,
        "the request body is not valid JSON",
    ),
    ("[]", "the request body must be a JSON object"),
    (r#""model""#, "the request body must be a JSON object"),
    (r#"{"messages":[]}"#, "`model` is required"),
    (r#"{"model":null,"messages":[]}"#, "`model` is required"),
    (r#"{"model":"m"}"#, "`messages` is required"),
    (
        r#"{"model":"m","messages":"hi"}"#,
        "`messages` must be an array of messages",
    ),
    (
        r#"{"model":"a\nb","messages":[]}"#,
        "`model` must be a non-empty string of at most 256 bytes without control characters",
    ),
];

const CAP: &str = "`max_tokens` must be a positive whole number";
const CHOICES: &str = "`n` must be a whole number from 1 to 128";

const FIELDS: &[(&str, &str)] = &[
    (r#""max_tokens":0"#, CAP),
    (r#""max_tokens":-1"#, CAP),
    (r#""max_tokens":1.5"#, CAP),
    (r#""max_tokens":1e3"#, CAP),
    (r#""max_tokens":"5""#, CAP),
    (r#""max_tokens":99999999999999999999999"#, CAP),
    (r#""max_tokens":1000000001"#, CAP),
    (r#""max_tokens":true"#, CAP),
    (r#""n":0"#, CHOICES),
    (r#""n":129"#, CHOICES),
    (r#""stream":"true""#, "`stream` must be a boolean"),
    (r#""stream":1"#, "`stream` must be a boolean"),
    (
        r#""stream_options":[]"#,
        "`stream_options` must be an object",
    ),
    (
        r#""stream_options":{"include_usage":1}"#,
        "`stream_options.include_usage` must be a boolean",
    ),
    (r#""tools":{}"#, "`tools` must be an array of objects"),
    (r#""tools":[1]"#, "`tools` must be an array of objects"),
    (r#""service_tier":1"#, "`service_tier` must be a string"),
    (
        r#""max_tokens":5,"max_tokens":6"#,
        "`max_tokens` is given more than once",
    ),
    (r#""model":"n""#, "`model` is given more than once"),
    (
        r#""max_\u0074okens":5,"max_tokens":6"#,
        "`max_tokens` is given more than once",
    ),
    (r#""new":1,"NEW":2"#, "`NEW` is given more than once"),
    (
        r#""thinking":{"budget_tokens":1,"budget_tokens":2}"#,
        "`budget_tokens` is given more than once",
    ),
    (
        r#""thinking":{"budget_tokens":0.5}"#,
        "`thinking.budget_tokens` must be a positive whole number",
    ),
    (
        r#""Max_Tokens":5"#,
        "unknown field `Max_Tokens`: did you mean `max_tokens`?",
    ),
    (
        r#""max_to\u212aens":5"#,
        "unknown field `max_to\u{212a}ens`: did you mean `max_tokens`?",
    ),
    (
        r#""ſtream":true"#,
        "unknown field `ſtream`: did you mean `stream`?",
    ),
];

/// Both dialects refuse a body, with this text for the client.
fn refused(body: &str, message: &str) {
    for dialect in [OPENAI, ANTHROPIC] {
        let error = parse_request(dialect, body.as_bytes()).expect_err(body);
        assert_eq!(error.to_string(), message, "{body}");
    }
}

#[test]
fn refused_with_a_reason() {
    for (body, message) in BODIES {
        refused(body, message);
    }
    for (field, message) in FIELDS {
        refused(
            &format!(r#"{{"model":"m","messages":[],{field}}}"#),
            message,
        );
    }
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    refused(
        &deep,
        "the request body is nested more than 100 levels deep",
    );
}

#[test]
fn bytes_that_are_no_text() {
    assert!(parse_request(OPENAI, b"{\"model\":\"\xff\",\"messages\":[]}").is_err());
    assert!(parse_request(OPENAI, b"\xef\xbb\xbf{\"model\":\"m\",\"messages\":[]}").is_err());
}

#[test]
fn a_million_brackets_do_not_overflow_the_stack() {
    for bracket in ["[", "{\"a\":"] {
        let nested = bracket.repeat(1_000_000);
        assert!(parse_request(OPENAI, nested.as_bytes()).is_err());
        let metered = read_usage(OPENAI, nested.as_bytes());
        assert_eq!(metered.usage, None);
        let mut meter = StreamMeter::new(OPENAI);
        meter.feed(format!("data: {{\"choices\":[{{\"delta\":{nested}\n\n").as_bytes());
        assert_eq!(meter.finish().usage, None);
    }
    // Valid, and far deeper than a recursive reader may go.
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":{deep}}}}}]}}\n\n");
    let mut meter = StreamMeter::new(OPENAI);
    meter.feed(event.as_bytes());
    assert!(meter.finish().output_bytes_seen >= 20_000);
}

/// JSON-like text: mostly valid bodies with odd fields, some garbage.
fn body() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("max_tokens"),
        Just("max_completion_tokens"),
        Just("stream"),
        Just("stream_options"),
        Just("n"),
        Just("tools"),
        Just("thinking"),
        Just("other"),
        Just("metadata"),
    ];
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("{\"include_usage\":false}".to_owned()),
        (1_u64..5_000).prop_map(|n| n.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        "\"[a-z\\\\]{0,6}\"",
        ".{0,8}",
    ];
    proptest::collection::vec((key, value), 0..5).prop_map(|fields| {
        let more: String = fields
            .iter()
            .map(|(key, value)| format!(",\"{key}\":{value}"))
            .collect();
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}]{more}}}"#)
    })
}

proptest! {
    #[test]
    fn whatever_parses_can_be_rewritten_and_obeys_the_cap(body in body(), cap in 1_u64..1_000, usage: bool) {
        let change = Change { cap: Some(cap), include_usage: usage };
        for kind in ProviderKind::ALL {
            let dialect = crate::wire::Dialect::of(kind);
            if let Ok(before) = parse_request(dialect, body.as_bytes()) {
                let changed = rewrite(&Bytes::from(body.clone()), &change, dialect, kind).unwrap();
                let after = parse_request(dialect, &changed).unwrap();
                prop_assert!(after.client_cap.is_some_and(|after| after <= cap), "{:?}", changed);
                prop_assert!(before.client_cap.is_none_or(|before| after.client_cap <= Some(before)));
                prop_assert_eq!(after.wants_usage, before.wants_usage || (usage && before.stream && kind != ProviderKind::Anthropic));
                prop_assert_eq!((before.choices, before.stream, before.messages), (after.choices, after.stream, after.messages));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..200) {
        for dialect in [OPENAI, RESPONSES, ANTHROPIC] {
            drop(parse_request(dialect, &bytes));
            drop(read_usage(dialect, &bytes));
            let (head, tail) = bytes.split_at(at.min(bytes.len()));
            let mut meter = StreamMeter::new(dialect);
            meter.feed(head);
            meter.feed(tail);
            drop(meter.finish());
        }
    }

    #[test]
    fn the_filter_loses_nothing(lines in proptest::collection::vec("(data: )?[a-z{}\":]{0,9}(\r|\n|\r\n)", 0..30), at in 0_usize..300) {
        let stream: String = lines.concat();
        let (head, tail) = stream.as_bytes().split_at(at.min(stream.len()));
        let mut filter = UsageChunkFilter::new();
        let mut out = filter.push(Bytes::copy_from_slice(head)).to_vec();
        out.extend_from_slice(&filter.push(Bytes::copy_from_slice(tail)));
        out.extend_from_slice(&filter.finish());
        prop_assert_eq!(out, stream.as_bytes());
    }
}
