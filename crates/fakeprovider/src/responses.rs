//! OpenAI's responses: bodies and events. Errors are those of chat completions.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::openai::CREATED;
use crate::plan::Plan;
use crate::script::UsageStyle;

/// A plain answer.
pub(crate) fn response(plan: &Plan) -> Value {
    let usage = match plan.usage {
        UsageStyle::Omitted => Value::Null,
        UsageStyle::Normal | UsageStyle::EveryChunk | UsageStyle::LastChoice => {
            usage(plan, plan.output_tokens)
        }
    };
    frame(plan, status(plan), &json!([message(plan)]), &usage)
}

/// The events of a stream: the answer begins, one message with its text comes, the whole answer with its usage ends it.
pub(crate) fn events(plan: &Plan) -> Vec<Bytes> {
    let mut events = Events::default();
    let empty = frame(plan, "in_progress", &json!([]), &Value::Null);
    events.push("response.created", json!({ "response": empty }));
    events.push("response.in_progress", json!({ "response": empty }));
    let id = item_id(plan);
    let item = json!({
        "id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": [],
    });
    events.push(
        "response.output_item.added",
        json!({ "output_index": 0, "item": item }),
    );
    let place = json!({ "item_id": id, "output_index": 0, "content_index": 0 });
    let at = |more: Value| merged(place.clone(), more);
    events.push(
        "response.content_part.added",
        at(json!({ "part": part("") })),
    );
    for piece in &plan.pieces {
        let mut delta = at(json!({ "delta": piece.text, "logprobs": [] }));
        if plan.usage == UsageStyle::EveryChunk {
            delta = merged(delta, json!({ "usage": usage(plan, piece.tokens_so_far) }));
        }
        events.push("response.output_text.delta", delta);
    }
    let text = plan.text();
    events.push(
        "response.output_text.done",
        at(json!({ "text": text, "logprobs": [] })),
    );
    events.push(
        "response.content_part.done",
        at(json!({ "part": part(&text) })),
    );
    events.push(
        "response.output_item.done",
        json!({ "output_index": 0, "item": message(plan) }),
    );
    let kind = format!("response.{}", status(plan));
    events.push(&kind, json!({ "response": response(plan) }));
    events.all
}

/// What breaks a stream off.
pub(crate) fn error_event() -> Bytes {
    let mut events = Events::default();
    let message = "the server had an error while processing your request";
    events.push(
        "error",
        json!({ "code": "server_error", "message": message, "param": null }),
    );
    events.all.concat().into()
}

/// Events, numbered as they come.
#[derive(Default)]
struct Events {
    all: Vec<Bytes>,
}

impl Events {
    fn push(&mut self, kind: &str, more: Value) {
        let body = merged(
            json!({ "type": kind, "sequence_number": self.all.len() }),
            more,
        );
        self.all
            .push(Bytes::from(format!("event: {kind}\ndata: {body}\n\n")));
    }
}

fn merged(mut body: Value, more: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (body.as_object_mut(), more) {
        fields.extend(more);
    }
    body
}

fn status(plan: &Plan) -> &'static str {
    if plan.capped {
        "incomplete"
    } else {
        "completed"
    }
}

fn item_id(plan: &Plan) -> String {
    format!("msg-{}", plan.id)
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn message(plan: &Plan) -> Value {
    json!({
        "id": item_id(plan), "type": "message", "status": status(plan), "role": "assistant",
        "content": [part(&plan.text())],
    })
}

fn frame(plan: &Plan, status: &str, output: &Value, usage: &Value) -> Value {
    let incomplete = (status == "incomplete").then(|| json!({ "reason": "max_output_tokens" }));
    json!({
        "id": format!("resp-{}", plan.id),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": incomplete,
        "instructions": null,
        "max_output_tokens": null,
        "metadata": {},
        "model": plan.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "temperature": 1.0,
        "text": { "format": { "type": "text" } },
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
    })
}

/// `tokens` are those so far.
fn usage(plan: &Plan, tokens: u64) -> Value {
    json!({
        "input_tokens": plan.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": plan.cached_tokens,
            "cache_write_tokens": plan.cache_write_tokens,
        },
        "output_tokens": tokens,
        "output_tokens_details": { "reasoning_tokens": plan.reasoning_tokens.min(tokens) },
        "total_tokens": plan.prompt_tokens.saturating_add(tokens),
    })
}
