//! Anthropic's messages.

use std::borrow::Cow;

use model::chats::{ChatMessage, MessageRole, TurnUsage, text_of};
use serde_json::{Value, json};

use super::{
    Conversation, Files, Finish, Heard, Told,
    lenient::{self, count, list, words},
    parts::{Part, parts},
};

pub(super) fn request(conversation: &Conversation<'_>) -> Value {
    let history = conversation.history;
    let mut body = json!({
        "model": conversation.model,
        "max_tokens": conversation.output_cap,
        "messages": messages(history, conversation.files),
        "stream": true,
    });
    // What the model is told beforehand has a place of its own, wherever it stands.
    let told = history
        .iter()
        .filter(|message| message.role == MessageRole::System)
        .map(|message| text_of(&message.content))
        .filter(|text| !text.trim().is_empty());
    let told = told.collect::<Vec<_>>().join("\n\n");
    if let (false, Some(body)) = (told.is_empty(), body.as_object_mut()) {
        body.insert("system".to_owned(), json!(told));
    }
    body
}

/// Roles take turns: what one says in several messages is one.
fn messages(history: &[ChatMessage], files: &Files) -> Vec<Value> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in history {
        let role = match message.role {
            MessageRole::System => continue,
            MessageRole::User => "user",
            MessageRole::Assistant => "assistant",
        };
        let parts = parts(&message.content, files);
        let mut blocks: Vec<Value> = parts.iter().map(block).collect();
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, said)) if *last == role => said.append(&mut blocks),
            _ => turns.push((role, blocks)),
        }
    }
    let turn = |(role, content)| json!({ "role": role, "content": content });
    turns.into_iter().map(turn).collect()
}

pub(super) fn block(part: &Part<'_>) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Image(kind, data) => {
            let source = json!({ "type": "base64", "media_type": kind, "data": data });
            json!({ "type": "image", "source": source })
        }
        Part::Pdf(name, data) => {
            let source = json!({ "type": "base64", "media_type": "application/pdf", "data": data });
            json!({ "type": "document", "title": name, "source": source })
        }
    }
}

/// The figures that were told; each that is told takes the place of the one before.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Usage {
    input: u64,
    written: u64,
    read: u64,
    output: u64,
}

impl Usage {
    fn told(&mut self, told: &Value) -> Option<Heard> {
        let figures = [
            (&mut self.input, "input_tokens"),
            (&mut self.written, "cache_creation_input_tokens"),
            (&mut self.read, "cache_read_input_tokens"),
            (&mut self.output, "output_tokens"),
        ];
        let mut any = false;
        for (figure, field) in figures {
            if let Some(newer) = count(told.get(field)) {
                *figure = newer;
                any = true;
            }
        }
        let input = self.input.saturating_add(self.written);
        any.then_some(Heard::Usage(TurnUsage {
            input_tokens: input.saturating_add(self.read),
            output_tokens: self.output,
        }))
    }
}

/// The words of a block at its beginning, or of what comes to it.
fn spoken(block: &Value) -> Option<Heard> {
    let of = |field: &str| words(block.get(field)).map(Cow::into_owned);
    match block.get("type").and_then(Value::as_str) {
        Some("text" | "text_delta") | None => of("text").map(Heard::Text),
        Some("thinking" | "thinking_delta") => of("thinking").map(Heard::Reasoning),
        Some(_) => None,
    }
}

fn finish(message: &Value) -> Option<Heard> {
    let reason = message.get("stop_reason")?.as_str()?;
    Some(Heard::Finish(match reason {
        "refusal" => Finish::ContentFilter,
        _ => Finish::End,
    }))
}

/// What an event of a stream tells; what is not understood tells nothing, and takes nothing with it of what is.
pub(super) fn event(data: &[u8], usage: &mut Usage, heard: &mut Vec<Heard>) {
    let Some(event) = lenient::value(data) else {
        return;
    };
    match event.get("type").and_then(Value::as_str) {
        Some("message_start") => {
            let told = event.pointer("/message/usage");
            heard.extend(told.and_then(|told| usage.told(told)));
        }
        Some("content_block_start") => heard.extend(event.get("content_block").and_then(spoken)),
        Some("content_block_delta") => heard.extend(event.get("delta").and_then(spoken)),
        Some("message_delta") => {
            heard.extend(event.get("usage").and_then(|told| usage.told(told)));
            heard.extend(event.get("delta").and_then(finish));
        }
        Some("message_stop") => heard.push(Heard::Done),
        _ => {}
    }
    heard.extend(Told::in_body(&event).map(Heard::Error));
}

/// What an answer in one piece tells.
pub(super) fn whole(body: &[u8]) -> Vec<Heard> {
    let Some(message) = lenient::value(body) else {
        return Vec::new();
    };
    let blocks = list(message.get("content")).iter();
    let mut heard: Vec<Heard> = blocks.filter_map(spoken).collect();
    let told = message.get("usage");
    heard.extend(told.and_then(|told| Usage::default().told(told)));
    heard.extend(finish(&message));
    heard.extend(Told::in_body(&message).map(Heard::Error));
    heard
}
