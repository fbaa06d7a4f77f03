//! The figures that each wire format reports, and what the tests have in common.

use fakeprovider::{FakeProvider, Output, Prompt, Script, UsageStyle};
use serde_json::{Value, json};

use crate::client::{call, soon};

pub(crate) const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
pub(crate) const MESSAGES: &str = "/v1/messages";

pub(crate) fn chat(more: &Value) -> Value {
    with(
        json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": "hi" }] }),
        more,
    )
}

pub(crate) fn message(more: &Value) -> Value {
    let body = json!({
        "model": "claude-haiku-4-5", "max_tokens": 100, "messages": [{ "role": "user", "content": "hi" }],
    });
    with(body, more)
}

fn with(mut body: Value, more: &Value) -> Value {
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

/// One script, one request, and the value at one place of the answer (of the last event that has it).
pub(crate) async fn check(
    script: Script,
    path: &str,
    body: &Value,
    pointer: &str,
    expected: Value,
) {
    let fake = FakeProvider::start(script).await.unwrap();
    let answer = soon(call(&fake.handle(), path, body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.whole);
    let events = if body.get("stream").is_some() {
        answer.events()
    } else {
        vec![answer.json()]
    };
    let found = events.iter().rev().find_map(|event| event.pointer(pointer));
    assert_eq!(
        found.cloned().unwrap_or_default(),
        expected,
        "{pointer} of {}",
        answer.text
    );
    fake.stop().await;
}

fn fixed() -> Script {
    Script {
        prompt: Prompt::Fixed(100),
        ..Script::default()
    }
}

fn filling() -> Script {
    Script {
        output: Output::FillCap,
        ..fixed()
    }
}

fn reporting(usage: UsageStyle) -> Script {
    Script { usage, ..fixed() }
}

pub(crate) fn stream() -> Value {
    json!({ "stream": true })
}

fn asking() -> Value {
    json!({ "stream": true, "stream_options": { "include_usage": true } })
}

#[tokio::test]
async fn openai_figures() {
    let prompt = "/usage/prompt_tokens";
    let completion = "/usage/completion_tokens";
    let over = Script {
        ignore_cap: true,
        ..fixed()
    };
    let cached = Script {
        cached_tokens: 1_000,
        extra_prompt_tokens: 50,
        ..fixed()
    };
    let details = "/usage/prompt_tokens_details/cached_tokens";
    let rows = [
        (fixed(), json!({}), prompt, json!(100)),
        (fixed(), json!({}), completion, json!(12)),
        (fixed(), json!({ "n": 3 }), completion, json!(36)),
        (
            fixed(),
            json!({ "n": 3 }),
            "/choices/2/finish_reason",
            json!("stop"),
        ),
        (
            fixed(),
            json!({ "max_completion_tokens": 5 }),
            completion,
            json!(5),
        ),
        (
            fixed(),
            json!({ "max_tokens": 5 }),
            "/choices/0/finish_reason",
            json!("length"),
        ),
        (
            filling(),
            json!({ "max_tokens": 50 }),
            completion,
            json!(50),
        ),
        (filling(), json!({}), completion, json!(8192)),
        (over, json!({ "max_tokens": 5 }), completion, json!(12)),
        (cached, json!({}), details, json!(150)),
        (
            reporting(UsageStyle::Omitted),
            json!({}),
            "/usage",
            Value::Null,
        ),
    ];
    for (script, more, pointer, expected) in rows {
        check(script, CHAT, &chat(&more), pointer, expected).await;
    }
}

#[tokio::test]
async fn openai_stream_figures() {
    let completion = "/usage/completion_tokens";
    let thinking = Script {
        reasoning_tokens: 7,
        ..fixed()
    };
    let details = "/usage/completion_tokens_details/reasoning_tokens";
    let rows = [
        (thinking, asking(), details, json!(7)),
        (
            reporting(UsageStyle::Omitted),
            asking(),
            "/usage",
            Value::Null,
        ),
        (fixed(), stream(), "/usage", Value::Null),
        (fixed(), asking(), "/usage/total_tokens", json!(112)),
        (
            reporting(UsageStyle::EveryChunk),
            stream(),
            completion,
            json!(12),
        ),
        (
            reporting(UsageStyle::LastChoice),
            stream(),
            completion,
            json!(12),
        ),
    ];
    for (script, more, pointer, expected) in rows {
        check(script, CHAT, &chat(&more), pointer, expected).await;
    }
}

#[tokio::test]
async fn responses_figures() {
    let body = |more: &Value| with(json!({ "model": "gpt-4o-mini", "input": "hi" }), more);
    let cached = Script {
        cached_tokens: 30,
        cache_write_tokens: 20,
        ..fixed()
    };
    let thinking = Script {
        reasoning_tokens: 5,
        ..fixed()
    };
    let written = "/usage/input_tokens_details/cache_write_tokens";
    let reasoning = "/response/usage/output_tokens_details/reasoning_tokens";
    let rows = [
        (fixed(), json!({}), "/usage/input_tokens", json!(100)),
        (fixed(), json!({}), "/usage/total_tokens", json!(112)),
        (fixed(), json!({}), "/status", json!("completed")),
        (cached, json!({}), written, json!(20)),
        (
            fixed(),
            json!({ "max_output_tokens": 5 }),
            "/incomplete_details/reason",
            json!("max_output_tokens"),
        ),
        (
            fixed(),
            stream(),
            "/response/usage/output_tokens",
            json!(12),
        ),
        (fixed(), stream(), "/type", json!("response.completed")),
        (thinking, stream(), reasoning, json!(5)),
        (
            filling(),
            json!({ "stream": true, "max_output_tokens": 50 }),
            "/response/status",
            json!("incomplete"),
        ),
        (
            reporting(UsageStyle::EveryChunk),
            stream(),
            "/usage/output_tokens",
            json!(12),
        ),
        (
            reporting(UsageStyle::Omitted),
            stream(),
            "/response/usage",
            Value::Null,
        ),
    ];
    for (script, more, pointer, expected) in rows {
        check(script, RESPONSES, &body(&more), pointer, expected).await;
    }
}

#[tokio::test]
async fn anthropic_figures() {
    let input = "/usage/input_tokens";
    let cached = Script {
        cached_tokens: 30,
        cache_write_tokens: 20,
        ..fixed()
    };
    let written = Script {
        cache_write_tokens: 20,
        ..fixed()
    };
    let split = "/message/usage/cache_creation/ephemeral_5m_input_tokens";
    let rows = [
        (fixed(), json!({}), input, json!(100)),
        (cached, json!({}), input, json!(50)),
        (written, stream(), split, json!(20)),
        (fixed(), stream(), "/message/usage/output_tokens", json!(1)),
        (fixed(), stream(), "/usage/output_tokens", json!(12)),
        (
            reporting(UsageStyle::EveryChunk),
            stream(),
            "/usage/output_tokens",
            json!(12),
        ),
        (
            filling(),
            stream(),
            "/delta/stop_reason",
            json!("max_tokens"),
        ),
        (
            reporting(UsageStyle::Omitted),
            stream(),
            "/usage",
            Value::Null,
        ),
    ];
    for (script, more, pointer, expected) in rows {
        check(script, MESSAGES, &message(&more), pointer, expected).await;
    }
}
