//! Streams.

use model::metering::TokenUsage;

use super::{ANTHROPIC, OPENAI, Reading, cut, cuts, events, silent, tokens, whole};
use crate::wire::{Dialect, StreamMeter, read_usage};

const ROLE: &str = r#"{"id":"c1","model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
const HI: &str = r#"{"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"hi é"},"finish_reason":null}]}"#;
const STOP: &str = r#"{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str = r#"{"id":"c1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}"#;
const DONE: &str = "[DONE]";

/// One stream in all cuts and with all line ends.
fn check(name: &str, dialect: Dialect, stream: &str, expected: &Reading) {
    for stream in [
        stream.to_owned(),
        stream.replace('\n', "\r\n"),
        stream.replace('\n', "\r"),
    ] {
        for pieces in cuts(stream.as_bytes()) {
            let mut meter = StreamMeter::new(dialect);
            for piece in &pieces {
                meter.feed(piece);
            }
            assert_eq!(
                &Reading::from(meter.finish()),
                expected,
                "{name}, {} pieces",
                pieces.len()
            );
        }
    }
}

#[test]
fn openai_usage_in_all_places() {
    let u = tokens(10, 0, 2);
    let on_last = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":2}}"#;
    let on_first = r#"{"choices":[{"index":0,"delta":{"content":"hi é"},"finish_reason":null}],"usage":{"prompt_tokens":10,"completion_tokens":1}}"#;
    let null =
        r#"{"choices":[{"index":0,"delta":{"content":"hi é"},"finish_reason":null}],"usage":null}"#;
    let zero =
        r#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#;
    let broken = r#"{"choices":[],"usage":{"prompt_tokens":"ten","completion_tokens":2}}"#;
    let groq = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":10,"completion_tokens":2}}}"#;
    let azure = r#"{"choices":[],"model":"","id":"","prompt_filter_results":[{"prompt_index":0}]}"#;
    let rows: [(&str, &[&str], Reading); 14] = [
        ("documented", &[ROLE, HI, STOP, USAGE, DONE], whole(u, 5)),
        (
            "null on the other chunks",
            &[ROLE, null, STOP, USAGE, DONE],
            whole(u, 5),
        ),
        (
            "with the last choice",
            &[ROLE, HI, on_last, DONE],
            whole(u, 5),
        ),
        (
            "with the last choice, no end mark",
            &[ROLE, HI, on_last],
            whole(u, 5),
        ),
        (
            "on every chunk",
            &[on_first, on_last, USAGE, DONE],
            whole(u, 5),
        ),
        (
            "on every chunk, cut",
            &[on_first],
            cut(Some(tokens(10, 0, 1)), 5),
        ),
        (
            "before the end, cut",
            &[on_first, HI],
            cut(Some(tokens(10, 0, 1)), 10),
        ),
        ("never", &[ROLE, HI, STOP, DONE], silent(5)),
        ("never, cut", &[ROLE, HI, STOP], cut(None, 5)),
        (
            "an explicit zero",
            &[ROLE, HI, STOP, zero, DONE],
            whole(tokens(0, 0, 0), 5),
        ),
        ("unreadable", &[ROLE, HI, STOP, broken, DONE], silent(5)),
        (
            "unreadable after readable",
            &[on_first, STOP, broken, DONE],
            silent(5),
        ),
        ("Groq's place", &[ROLE, HI, groq, DONE], whole(u, 5)),
        (
            "Azure's first chunk",
            &[azure, ROLE, HI, STOP, USAGE, DONE],
            whole(u, 5),
        ),
    ];
    for (name, data, expected) in rows {
        check(name, OPENAI, &events(data), &expected);
    }
}

#[test]
fn openai_streams_of_other_shapes() {
    let tool = r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":null}]}"#;
    let thought =
        r#"{"choices":[{"index":0,"delta":{"reasoning_content":"hmm"},"finish_reason":null}]}"#;
    let second = r#"{"choices":[{"index":1,"delta":{"content":"x"},"finish_reason":null}]}"#;
    let early = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":2}}"#;
    let surrogate =
        r#"{"choices":[{"index":0,"delta":{"content":"\ud83d"},"finish_reason":null}]}"#;
    let error = r#"{"error":{"message":"overloaded","type":"server_error"}}"#;
    let u = tokens(10, 0, 2);
    let failed = Reading {
        error: true,
        ..cut(None, 5)
    };
    let rows: [(&str, String, Reading); 10] = [
        (
            "tool calls",
            events(&[ROLE, tool, STOP, USAGE, DONE]),
            whole(u, 3),
        ),
        (
            "reasoning",
            events(&[ROLE, thought, HI, STOP, USAGE, DONE]),
            whole(u, 8),
        ),
        (
            "one of two choices ended",
            events(&[HI, second, early]),
            cut(Some(u), 6),
        ),
        (
            "half a character",
            events(&[surrogate, STOP, USAGE, DONE]),
            whole(u, 20),
        ),
        ("an error", events(&[ROLE, HI, error]), failed),
        (
            "comments",
            format!(
                ": ping\n\n{}:\n\n{}",
                events(&[ROLE, HI]),
                events(&[STOP, USAGE, DONE])
            ),
            whole(u, 5),
        ),
        (
            "named events",
            format!("event: chunk\nid: 7\n{}", events(&[HI, STOP, USAGE, DONE])),
            whole(u, 5),
        ),
        (
            "no space",
            events(&[HI, STOP, USAGE, DONE]).replace("data: ", "data:"),
            whole(u, 5),
        ),
        (
            "no last line end",
            events(&[HI, STOP, USAGE, DONE]).trim_end().to_owned(),
            whole(u, 5),
        ),
        (
            "a byte order mark",
            format!("\u{feff}{}", events(&[USAGE, DONE])),
            whole(u, 0),
        ),
    ];
    for (name, stream, expected) in rows {
        check(name, OPENAI, &stream, &expected);
    }
}

#[test]
fn data_of_several_lines_is_one_text() {
    let stream = "data: {\"choices\":[],\ndata: \"usage\":{\"prompt_tokens\":1,\ndata: \"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    check("multi-line", OPENAI, stream, &whole(tokens(1, 0, 2), 0));
}

#[test]
fn a_cut_in_an_event_counts_what_came() {
    let stream = format!("{}data: {{\"choices\":[{{\"ind", events(&[ROLE, HI]));
    check("cut in an event", OPENAI, &stream, &cut(None, 5 + 17));
}

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","model":"claude-x","usage":{"input_tokens":25,"cache_creation_input_tokens":100,"cache_read_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":40},"output_tokens":1}}}"#;
const PLAIN_START: &str = r#"{"type":"message_start","message":{"id":"msg_1","model":"claude-x","usage":{"input_tokens":25,"output_tokens":1}}}"#;
const BLOCK: &str =
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const PING: &str = r#"{"type":"ping"}"#;
const TEXT: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello"}}"#;
const END: &str =
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}"#;
const STOPPED: &str = r#"{"type":"message_stop"}"#;

const LATE: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":25,"cache_read_input_tokens":70,"cache_creation_input_tokens":9,"output_tokens":15}}"#;
const GROWN: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"cache_creation_input_tokens":130,"output_tokens":15}}"#;
const ZERO: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":0,"output_tokens":0}}"#;
const MIDDLE: &str =
    r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":7}}"#;
const SEARCH: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15,"server_tool_use":{"web_search_requests":2}}}"#;
const WRONG: &str =
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":-1}}"#;
const COMPACTED: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":25,"output_tokens":15,"iterations":[{"type":"compaction","input_tokens":900,"output_tokens":30},{"type":"message","input_tokens":25,"output_tokens":15}]}}"#;

const CACHED: TokenUsage = TokenUsage {
    cache_write_5m: 60,
    cache_write_1h: 40,
    ..tokens(25, 50, 15)
};
const SEARCHED: TokenUsage = TokenUsage {
    web_searches: 2,
    ..tokens(25, 0, 15)
};

const FIGURES: &[(&str, &[&str], Reading)] = &[
    (
        "documented",
        &[START, BLOCK, PING, TEXT, END, STOPPED],
        whole(CACHED, 5),
    ),
    (
        "cache only at the end",
        &[PLAIN_START, TEXT, LATE, STOPPED],
        whole(
            TokenUsage {
                cache_write_5m: 9,
                ..tokens(25, 70, 15)
            },
            5,
        ),
    ),
    (
        "cache grows",
        &[START, TEXT, GROWN, STOPPED],
        whole(
            TokenUsage {
                cache_write_5m: 90,
                ..CACHED
            },
            5,
        ),
    ),
    (
        "several deltas",
        &[PLAIN_START, TEXT, MIDDLE, TEXT, END, STOPPED],
        whole(tokens(25, 0, 15), 10),
    ),
    (
        "explicit zeros",
        &[PLAIN_START, TEXT, ZERO, STOPPED],
        whole(tokens(0, 0, 0), 5),
    ),
    (
        "searches",
        &[PLAIN_START, TEXT, SEARCH, STOPPED],
        whole(SEARCHED, 5),
    ),
    (
        "no end mark",
        &[PLAIN_START, TEXT, END],
        whole(tokens(25, 0, 15), 5),
    ),
    (
        "unreadable",
        &[PLAIN_START, TEXT, WRONG, STOPPED],
        silent(5),
    ),
    (
        "a compaction step",
        &[PLAIN_START, TEXT, COMPACTED, STOPPED],
        whole(tokens(925, 0, 45), 5),
    ),
];

#[test]
fn anthropic_figures_replace_each_other() {
    for (name, data, expected) in FIGURES {
        check(name, ANTHROPIC, &events(data), expected);
    }
}

#[test]
fn anthropic_streams_that_break() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let input = r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}"#;
    let thinking = r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#;
    let tool = r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"get","input":{}}}"#;
    let middle =
        r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":7}}"#;
    let start = tokens(25, 0, 1);
    let rows: [(&str, &[&str], Reading); 6] = [
        ("after the start", &[PLAIN_START], cut(Some(start), 0)),
        (
            "in the text",
            &[PLAIN_START, BLOCK, TEXT],
            cut(Some(start), 5),
        ),
        (
            "after a figure",
            &[PLAIN_START, TEXT, middle],
            cut(Some(tokens(25, 0, 7)), 5),
        ),
        (
            "in a tool call",
            &[PLAIN_START, thinking, tool, input],
            cut(Some(start), 2 + 3 + 4),
        ),
        (
            "an error",
            &[PLAIN_START, TEXT, error],
            Reading {
                error: true,
                ..cut(Some(start), 5)
            },
        ),
        (
            "without any usage",
            &[r#"{"type":"message_start","message":{}}"#, TEXT, STOPPED],
            silent(5),
        ),
    ];
    for (name, data, expected) in rows {
        check(name, ANTHROPIC, &events(data), &expected);
    }
}

#[test]
fn names_are_read() {
    for (dialect, stream, model, id) in [
        (OPENAI, events(&[ROLE, HI, STOP]), "gpt-4o-2024-08-06", "c1"),
        (ANTHROPIC, events(&[START, TEXT]), "claude-x", "msg_1"),
    ] {
        let mut meter = StreamMeter::new(dialect);
        meter.feed(stream.as_bytes());
        let seen = meter.snapshot();
        assert_eq!(
            (
                seen.response_model.as_deref(),
                seen.provider_response_id.as_deref()
            ),
            (Some(model), Some(id))
        );
    }
}

#[test]
fn a_name_that_the_ledger_cannot_take_is_none() {
    let bad = r#"{"id":"c\u0000","model":"gpt\u0000","choices":[]}"#;
    let whole = read_usage(OPENAI, bad.as_bytes());
    assert_eq!(
        (whole.response_model, whole.provider_response_id),
        (None, None)
    );
    let mut meter = StreamMeter::new(OPENAI);
    meter.feed(events(&[bad, HI]).as_bytes());
    let streamed = meter.snapshot();
    // The next event that tells one is believed.
    assert_eq!(streamed.response_model.as_deref(), Some("gpt-4o"));
    assert_eq!(streamed.provider_response_id.as_deref(), Some("c1"));
}

#[test]
fn a_cut_stream_is_charged_with_what_came() {
    let charge = |dialect, data: &[&str], input_bound, cap| {
        let mut meter = StreamMeter::new(dialect);
        meter.feed(events(data).as_bytes());
        let metered = meter.finish();
        assert_eq!(metered.settled(), None);
        metered.estimated(input_bound, cap)
    };
    assert_eq!(charge(OPENAI, &[ROLE, HI], 40, 100), tokens(40, 0, 5));
    assert_eq!(charge(OPENAI, &[ROLE, HI, HI, HI], 40, 6), tokens(40, 0, 6));
    assert_eq!(
        charge(ANTHROPIC, &[PLAIN_START, TEXT], 999, 100),
        tokens(25, 0, 5)
    );
    assert_eq!(charge(ANTHROPIC, &[PLAIN_START], 999, 0), tokens(25, 0, 1));
}

#[test]
fn an_endless_event_takes_no_memory_and_is_counted() {
    let mut meter = StreamMeter::new(OPENAI);
    let chunk = vec![b'x'; 1024 * 1024];
    for _ in 0..20 {
        meter.feed(&chunk);
    }
    assert!(meter.snapshot().output_bytes_seen >= 12 * 1024 * 1024);
}
