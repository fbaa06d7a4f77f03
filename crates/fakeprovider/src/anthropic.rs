//! Anthropic's messages: bodies, events, errors.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::plan::Plan;
use crate::script::UsageStyle;

/// A plain answer.
pub(crate) fn message(plan: &Plan) -> Value {
    let content = json!([{ "type": "text", "text": plan.text() }]);
    with_usage(
        plan,
        frame(plan, &content, &json!(stop_reason(plan))),
        || usage(plan, plan.output_tokens),
    )
}

/// The events of a stream: start, one text block with a ping in it, the delta with the final figures, stop.
pub(crate) fn events(plan: &Plan) -> Vec<Bytes> {
    let start = with_usage(plan, frame(plan, &json!([]), &Value::Null), || {
        usage(plan, 1)
    });
    let block = json!({ "type": "text", "text": "" });
    let mut events = vec![
        event(
            "message_start",
            &json!({ "type": "message_start", "message": start }),
        ),
        event(
            "content_block_start",
            &json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        ),
        event("ping", &json!({ "type": "ping" })),
    ];
    for piece in &plan.pieces {
        let delta = json!({ "type": "text_delta", "text": piece.text });
        let body = json!({ "type": "content_block_delta", "index": 0, "delta": delta });
        events.push(event("content_block_delta", &body));
        if plan.usage == UsageStyle::EveryChunk {
            events.push(message_delta(plan, &Value::Null, piece.tokens_so_far));
        }
    }
    events.push(event(
        "content_block_stop",
        &json!({ "type": "content_block_stop", "index": 0 }),
    ));
    events.push(message_delta(
        plan,
        &json!(stop_reason(plan)),
        plan.output_tokens,
    ));
    events.push(event("message_stop", &json!({ "type": "message_stop" })));
    events
}

/// What breaks a stream off.
pub(crate) fn error_event() -> Bytes {
    event("error", &error(529, "overloaded"))
}

/// An error body.
pub(crate) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_fake" })
}

/// The list of models.
pub(crate) fn models(names: &[String]) -> Value {
    let model = |name| json!({ "type": "model", "id": name, "display_name": name, "created_at": "2025-11-01T00:00:00Z" });
    json!({
        "data": names.iter().map(model).collect::<Vec<_>>(),
        "has_more": false,
        "first_id": names.first(),
        "last_id": names.last(),
    })
}

fn stop_reason(plan: &Plan) -> &'static str {
    if plan.capped {
        "max_tokens"
    } else {
        "end_turn"
    }
}

fn frame(plan: &Plan, content: &Value, stop_reason: &Value) -> Value {
    json!({
        "id": format!("msg_{}", plan.id),
        "type": "message",
        "role": "assistant",
        "model": plan.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
    })
}

fn message_delta(plan: &Plan, stop_reason: &Value, tokens: u64) -> Bytes {
    let delta = json!({ "stop_reason": stop_reason, "stop_sequence": null });
    let body = json!({ "type": "message_delta", "delta": delta });
    event(
        "message_delta",
        &with_usage(plan, body, || json!({ "output_tokens": tokens })),
    )
}

fn event(name: &str, body: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {body}\n\n"))
}

/// Figures exclude each other: cached tokens are no input tokens.
fn usage(plan: &Plan, output_tokens: u64) -> Value {
    let cached = plan.cached_tokens + plan.cache_write_tokens;
    json!({
        "input_tokens": plan.prompt_tokens - cached,
        "cache_creation_input_tokens": plan.cache_write_tokens,
        "cache_read_input_tokens": plan.cached_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": plan.cache_write_tokens - plan.long_cache_write_tokens,
            "ephemeral_1h_input_tokens": plan.long_cache_write_tokens,
        },
        "output_tokens": output_tokens,
        "service_tier": "standard",
    })
}

fn with_usage(plan: &Plan, mut body: Value, usage: impl FnOnce() -> Value) -> Value {
    if plan.usage != UsageStyle::Omitted
        && let Some(fields) = body.as_object_mut()
    {
        fields.insert("usage".to_owned(), usage());
    }
    body
}
