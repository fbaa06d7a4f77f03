//! OpenAI's chat completions, which many others speak as well.

use std::borrow::Cow;

use model::chats::{ChatMessage, MessageRole, TurnUsage};
use serde_json::{Value, json};

use super::{
    Conversation, Files, Finish, Heard, Told,
    lenient::{self, count, list, words},
    parts::{Part, parts},
};

/// What ends a stream.
const DONE: &[u8] = b"[DONE]";

pub(super) fn request(conversation: &Conversation<'_>) -> Value {
    let files = conversation.files;
    let history = conversation.history.iter();
    let messages: Vec<Value> = history.filter_map(|message| said(message, files)).collect();
    json!({
        "model": conversation.model,
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true },
    })
}

fn said(message: &ChatMessage, files: &Files) -> Option<Value> {
    let parts = parts(&message.content, files);
    let content = match parts.as_slice() {
        [] => return None,
        [Part::Text(text)] => json!(text),
        parts => parts.iter().map(part).collect(),
    };
    let role = match message.role {
        MessageRole::System => "system",
        MessageRole::User => "user",
        MessageRole::Assistant => "assistant",
    };
    Some(json!({ "role": role, "content": content }))
}

pub(super) fn part(part: &Part<'_>) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Image(kind, data) => {
            let url = format!("data:{kind};base64,{data}");
            json!({ "type": "image_url", "image_url": { "url": url } })
        }
        Part::Pdf(name, data) => {
            let data = format!("data:application/pdf;base64,{data}");
            json!({ "type": "file", "file": { "filename": name, "file_data": data } })
        }
    }
}

/// What an event of a stream tells.
pub(super) fn event(data: &[u8], heard: &mut Vec<Heard>) {
    if data.trim_ascii() == DONE {
        heard.push(Heard::Done);
    } else {
        read(data, heard);
    }
}

/// What an answer in one piece tells.
pub(super) fn whole(body: &[u8]) -> Vec<Heard> {
    let mut heard = Vec::new();
    read(body, &mut heard);
    heard
}

/// What is not understood tells nothing, and takes nothing with it of what is. An error comes last: words may stand
/// beside it.
fn read(data: &[u8], heard: &mut Vec<Heard>) {
    let Some(completion) = lenient::value(data) else {
        return;
    };
    // More than one answer is never asked for.
    let first = |choice: &&Value| count(choice.get("index")).unwrap_or(0) == 0;
    for choice in list(completion.get("choices")).iter().filter(first) {
        // A stream has deltas, an answer in one piece a message.
        for said in ["delta", "message"] {
            heard.extend(choice.get(said).into_iter().flat_map(spoken));
        }
        let reason = choice.get("finish_reason").and_then(Value::as_str);
        heard.extend(reason.map(|reason| {
            Heard::Finish(match reason {
                "content_filter" => Finish::ContentFilter,
                _ => Finish::End,
            })
        }));
    }
    heard.extend(completion.get("usage").and_then(usage));
    heard.extend(Told::in_body(&completion).map(Heard::Error));
}

fn spoken(said: &Value) -> impl Iterator<Item = Heard> {
    let of = |field: &str| words(said.get(field)).map(Cow::into_owned);
    // Not OpenAI's own, but of many that speak its language; some say the same twice.
    let reasoning = of("reasoning_content").or_else(|| of("reasoning"));
    let all = [
        reasoning.map(Heard::Reasoning),
        of("content").map(Heard::Text),
        of("refusal").map(Heard::Text),
    ];
    all.into_iter().flatten()
}

fn usage(told: &Value) -> Option<Heard> {
    let of = |field: &str| count(told.get(field));
    let (input, output) = (of("prompt_tokens"), of("completion_tokens"));
    input.or(output)?;
    Some(Heard::Usage(TurnUsage {
        input_tokens: input.unwrap_or_default(),
        output_tokens: output.unwrap_or_default(),
    }))
}
