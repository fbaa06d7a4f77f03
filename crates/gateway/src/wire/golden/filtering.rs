//! The filter that hides the usage chunk.

use bytes::Bytes;

use super::{cuts, events};
use crate::wire::UsageChunkFilter;

const HI: &str = r#"{"choices":[{"index":0,"delta":{"content":"hi"}}],"usage":null}"#;
const ON_CHOICE: &str = r#"{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}"#;
const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
const AZURE: &str = r#"{"choices":[],"prompt_filter_results":[]}"#;
const NULL: &str = r#"{"choices":[],"usage":null}"#;
const NO_CHOICES: &str = r#"{"usage":{"prompt_tokens":1}}"#;
const DONE: &str = "[DONE]";

/// The whole output for a stream in all cuts.
fn check(name: &str, stream: &str, expected: &str) {
    for pieces in cuts(stream.as_bytes()) {
        let mut filter = UsageChunkFilter::new();
        let mut out = Vec::new();
        for piece in &pieces {
            out.extend_from_slice(&filter.push(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&filter.finish());
        assert_eq!(
            String::from_utf8(out).unwrap(),
            expected,
            "{name}, {} pieces",
            pieces.len()
        );
    }
}

#[test]
fn exactly_the_usage_chunk_is_hidden() {
    let rows: [(&str, &[&str], &[&str]); 7] = [
        ("documented", &[HI, USAGE, DONE], &[HI, DONE]),
        ("nothing to hide", &[HI, HI, DONE], &[HI, HI, DONE]),
        (
            "usage beside a choice",
            &[HI, ON_CHOICE, DONE],
            &[HI, ON_CHOICE, DONE],
        ),
        (
            "no choices, no usage",
            &[AZURE, NULL, HI, DONE],
            &[AZURE, NULL, HI, DONE],
        ),
        ("no choices field", &[NO_CHOICES, DONE], &[NO_CHOICES, DONE]),
        ("several", &[USAGE, HI, USAGE, USAGE, DONE], &[HI, DONE]),
        (
            "the word in the text",
            &[
                r#"{"choices":[{"delta":{"content":"\"usage\":{}"}}]}"#,
                USAGE,
            ],
            &[r#"{"choices":[{"delta":{"content":"\"usage\":{}"}}]}"#],
        ),
    ];
    for (name, stream, expected) in rows {
        for end in ["\n", "\r\n", "\r"] {
            let [stream, expected] = [stream, expected].map(|data| events(data).replace('\n', end));
            check(name, &stream, &expected);
        }
    }
}

#[test]
fn all_else_stays_byte_for_byte() {
    let rows = [
        (format!(": hello\n\n{}\n\n\n: bye\n\n", events(&[HI])), None),
        (
            format!("{}data: {{\"choices\":[],\"usa", events(&[HI])),
            None,
        ),
        ("no events at all".to_owned(), None),
        (
            "data: {broken \"usage\"\n\ndata: \u{e9}\n\n".to_owned(),
            None,
        ),
        (
            events(&[HI, USAGE]).trim_end().to_owned(),
            Some(events(&[HI])),
        ),
        (
            format!("event: x\nid: 1\n{}", events(&[USAGE, HI])),
            Some(events(&[HI])),
        ),
        (
            "data: {\"choices\":[],\ndata: \"usage\":{}}\n\n".to_owned(),
            Some(String::new()),
        ),
    ];
    for (stream, expected) in rows {
        check("odd", &stream, expected.as_ref().unwrap_or(&stream));
    }
}

#[test]
fn a_complete_event_leaves_at_once_and_uncopied() {
    let mut filter = UsageChunkFilter::new();
    let chunk = Bytes::from(events(&[HI]));
    let sent = filter.push(chunk.clone());
    assert_eq!((sent.as_ptr(), sent.len()), (chunk.as_ptr(), chunk.len()));
    let begun = filter.push(Bytes::from(format!("{}data: {{", events(&[HI]))));
    assert_eq!(begun, events(&[HI]));
    assert_eq!(filter.finish(), "data: {");
}

#[test]
fn an_endless_event_is_not_held_for_ever() {
    let mut filter = UsageChunkFilter::new();
    let sent: usize = (0..100)
        .map(|_| filter.push(Bytes::from(vec![b'x'; 10_000])).len())
        .sum();
    assert!(sent > 900_000, "{sent}");
    assert_eq!(
        sent + filter.push(Bytes::from_static(b"\n\ndata: 1\n\n")).len(),
        1_000_011
    );
    assert!(filter.push(Bytes::from(events(&[USAGE]))).is_empty());
}
