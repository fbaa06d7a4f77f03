//! OpenAI's chat completions: bodies, chunks, errors.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::plan::Plan;
use crate::script::UsageStyle;

/// A fixed time, since answers are deterministic.
pub(crate) const CREATED: u64 = 1_764_000_000;

/// A plain answer.
pub(crate) fn completion(plan: &Plan) -> Value {
    let choice = |index| {
        json!({
            "index": index,
            "message": { "role": "assistant", "content": plan.text(), "refusal": null },
            "logprobs": null,
            "finish_reason": finish_reason(plan),
        })
    };
    let mut body = json!({
        "id": format!("chatcmpl-{}", plan.id),
        "object": "chat.completion",
        "created": CREATED,
        "model": plan.model,
        "choices": (0..plan.choices).map(choice).collect::<Vec<_>>(),
        "system_fingerprint": "fp_fake",
    });
    if plan.usage != UsageStyle::Omitted {
        set(&mut body, "usage", usage(plan, plan.output_tokens));
    }
    body
}

/// The events of a stream: role, text and end of each choice, then usage if it was asked for, then `[DONE]`.
pub(crate) fn events(plan: &Plan) -> Vec<Bytes> {
    let mut events = Vec::new();
    for index in 0..plan.choices {
        let role = json!({ "role": "assistant", "content": "", "refusal": null });
        events.push(chunk(plan, index, &role, &Value::Null, 0, false));
    }
    for piece in &plan.pieces {
        for index in 0..plan.choices {
            let delta = json!({ "content": piece.text });
            events.push(chunk(
                plan,
                index,
                &delta,
                &Value::Null,
                piece.tokens_so_far,
                false,
            ));
        }
    }
    for index in 0..plan.choices {
        let last = index + 1 == plan.choices;
        events.push(chunk(
            plan,
            index,
            &json!({}),
            &json!(finish_reason(plan)),
            plan.output_tokens,
            last,
        ));
    }
    let own_chunk = matches!(plan.usage, UsageStyle::Normal | UsageStyle::EveryChunk);
    if own_chunk && plan.usage_asked {
        let mut body = frame(plan, &json!([]));
        set(&mut body, "usage", usage(plan, plan.output_tokens));
        events.push(event(&body));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

/// What breaks a stream off.
pub(crate) fn error_event() -> Bytes {
    event(&error(
        500,
        "the server had an error while processing your request",
    ))
}

/// An error body.
pub(crate) fn error(status: u16, message: &str) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        429 => ("requests", Some("rate_limit_exceeded")),
        400..=499 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}

/// The list of models.
pub(crate) fn models(names: &[String]) -> Value {
    let model =
        |name| json!({ "id": name, "object": "model", "created": CREATED, "owned_by": "fake" });
    json!({ "object": "list", "data": names.iter().map(model).collect::<Vec<_>>() })
}

fn finish_reason(plan: &Plan) -> &'static str {
    if plan.capped { "length" } else { "stop" }
}

fn chunk(
    plan: &Plan,
    index: u64,
    delta: &Value,
    finish_reason: &Value,
    tokens: u64,
    last: bool,
) -> Bytes {
    let choice = json!([{ "index": index, "delta": delta, "logprobs": null, "finish_reason": finish_reason }]);
    let mut body = frame(plan, &choice);
    match plan.usage {
        UsageStyle::EveryChunk => set(&mut body, "usage", usage(plan, tokens)),
        UsageStyle::LastChoice if last => set(&mut body, "usage", usage(plan, tokens)),
        UsageStyle::Normal if plan.usage_asked => set(&mut body, "usage", Value::Null),
        UsageStyle::Normal | UsageStyle::LastChoice | UsageStyle::Omitted => {}
    }
    event(&body)
}

fn frame(plan: &Plan, choices: &Value) -> Value {
    json!({
        "id": format!("chatcmpl-{}", plan.id),
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": plan.model,
        "system_fingerprint": "fp_fake",
        "choices": choices,
    })
}

fn event(body: &Value) -> Bytes {
    Bytes::from(format!("data: {body}\n\n"))
}

/// `tokens` are those of one choice so far.
fn usage(plan: &Plan, tokens: u64) -> Value {
    let completion = tokens.saturating_mul(plan.choices);
    let reasoning = plan
        .reasoning_tokens
        .min(tokens)
        .saturating_mul(plan.choices);
    json!({
        "prompt_tokens": plan.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": plan.prompt_tokens.saturating_add(completion),
        "prompt_tokens_details": { "cached_tokens": plan.cached_tokens, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
