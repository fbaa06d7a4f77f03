//! Plain answers.

use model::metering::TokenUsage;

use super::{ANTHROPIC, OPENAI, Reading, ZERO, cut, silent, tokens, whole};
use crate::wire::read_usage;

const OPENAI_USAGE: &[(&str, Option<TokenUsage>)] = &[
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}"#,
        Some(tokens(10, 0, 2)),
    ),
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":8}}"#,
        Some(tokens(2, 8, 2)),
    ),
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":null,"completion_tokens_details":null}"#,
        Some(tokens(10, 0, 2)),
    ),
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":12}}"#,
        // More than its whole: it is beside it.
        Some(tokens(10, 12, 2)),
    ),
    (
        r#"{"prompt_tokens":100,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":20,"audio_tokens":30},"completion_tokens_details":{"reasoning_tokens":10,"audio_tokens":15}}"#,
        Some(TokenUsage {
            input: 50,
            cache_read: 20,
            audio_input: 30,
            output: 35,
            audio_output: 15,
            reasoning: 10,
            ..ZERO
        }),
    ),
    (
        r#"{"prompt_tokens":10,"completion_tokens":9,"completion_tokens_details":{"reasoning_tokens":8}}"#,
        Some(TokenUsage {
            reasoning: 8,
            ..tokens(10, 0, 9)
        }),
    ),
    // Reasoning left out of the completion, seen by the total or by being more than its whole.
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"total_tokens":19,"completion_tokens_details":{"reasoning_tokens":7}}"#,
        Some(TokenUsage {
            reasoning: 7,
            ..tokens(10, 0, 9)
        }),
    ),
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"total_tokens":19}"#,
        Some(tokens(10, 0, 9)),
    ),
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":7}}"#,
        Some(TokenUsage {
            reasoning: 7,
            ..tokens(10, 0, 9)
        }),
    ),
    // DeepSeek, Moonshot, OpenRouter.
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_cache_hit_tokens":6,"prompt_cache_miss_tokens":4}"#,
        Some(tokens(4, 6, 2)),
    ),
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"cached_tokens":6}"#,
        Some(tokens(4, 6, 2)),
    ),
    (
        r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1,"cache_write_tokens":5}}"#,
        Some(TokenUsage {
            cache_write_5m: 5,
            ..tokens(4, 1, 2)
        }),
    ),
    (
        r#"{"prompt_tokens":10.0,"completion_tokens":2}"#,
        Some(tokens(10, 0, 2)),
    ),
    (
        r#"{"prompt_tokens":0,"completion_tokens":0}"#,
        Some(tokens(0, 0, 0)),
    ),
    (r#"{"prompt_tokens":10,"completion_tokens":-2}"#, None),
    (
        r#"{"prompt_tokens":10,"completion_tokens":99999999999999999999}"#,
        None,
    ),
    (r"{}", None),
];

#[test]
fn openai_usage_objects() {
    for (usage, expected) in OPENAI_USAGE {
        let body = format!(
            r#"{{"id":"c","choices":[{{"message":{{"role":"assistant","content":"abc"}}}}],"usage":{usage}}}"#
        );
        let reading = Reading::from(read_usage(OPENAI, body.as_bytes()));
        assert_eq!(
            reading,
            expected.map_or(silent(3), |usage| whole(usage, 3)),
            "{usage}"
        );
    }
}

const ANTHROPIC_USAGE: &[(&str, Option<TokenUsage>)] = &[
    (
        r#"{"input_tokens":10,"output_tokens":2}"#,
        Some(tokens(10, 0, 2)),
    ),
    (
        r#"{"input_tokens":10,"output_tokens":2,"cache_creation_input_tokens":null,"cache_read_input_tokens":null}"#,
        Some(tokens(10, 0, 2)),
    ),
    (
        r#"{"input_tokens":10,"cache_read_input_tokens":7,"cache_creation_input_tokens":5,"output_tokens":2}"#,
        Some(TokenUsage {
            cache_write_5m: 5,
            ..tokens(10, 7, 2)
        }),
    ),
    (
        r#"{"input_tokens":10,"cache_creation_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":3},"output_tokens":2}"#,
        Some(TokenUsage {
            cache_write_5m: 2,
            cache_write_1h: 3,
            ..tokens(10, 0, 2)
        }),
    ),
    (
        r#"{"input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":3},"output_tokens":2}"#,
        Some(TokenUsage {
            cache_write_1h: 3,
            ..tokens(10, 0, 2)
        }),
    ),
    (
        r#"{"input_tokens":10,"cache_creation_input_tokens":8,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":3},"output_tokens":2}"#,
        Some(TokenUsage {
            cache_write_1h: 8,
            ..tokens(10, 0, 2)
        }),
    ),
    (
        r#"{"input_tokens":10,"output_tokens":2,"server_tool_use":{"web_search_requests":4}}"#,
        Some(TokenUsage {
            web_searches: 4,
            ..tokens(10, 0, 2)
        }),
    ),
    (
        r#"{"input_tokens":0,"output_tokens":0}"#,
        Some(tokens(0, 0, 0)),
    ),
    (r#"{"input_tokens":true,"output_tokens":2}"#, None),
];

#[test]
fn anthropic_usage_objects() {
    for (usage, expected) in ANTHROPIC_USAGE {
        let body = format!(
            r#"{{"id":"m","type":"message","content":[{{"type":"text","text":"abc"}}],"usage":{usage}}}"#
        );
        let reading = Reading::from(read_usage(ANTHROPIC, body.as_bytes()));
        assert_eq!(
            reading,
            expected.map_or(silent(3), |usage| whole(usage, 3)),
            "{usage}"
        );
    }
}

#[test]
fn answers_that_are_none() {
    let error = r#"{"error":{"message":"no"}}"#;
    let rows = [
        ("", cut(None, 0)),
        ("<html>", cut(None, 6)),
        (r#"{"id":"c","choi"#, cut(None, 15)),
        ("[]", cut(None, 2)),
        (r#"{"id":"c"}"#, silent(0)),
        (
            error,
            Reading {
                error: true,
                ..silent(0)
            },
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(
            Reading::from(read_usage(OPENAI, body.as_bytes())),
            expected,
            "{body}"
        );
    }
}
