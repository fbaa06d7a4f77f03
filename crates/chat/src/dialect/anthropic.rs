//! Anthropic's messages.

use model::chats::{ChatMessage, MessageRole, TurnUsage, text_of};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Conversation, Files, Finish, Heard, Told,
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

fn block(part: &Part<'_>) -> Value {
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

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: Block,
    },
    MessageDelta {
        delta: Ended,
        #[serde(default)]
        usage: Option<UsageJson>,
    },
    MessageStop,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default)]
    usage: Option<UsageJson>,
}

/// A block at its beginning, or what comes to it.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    #[serde(alias = "text_delta")]
    Text { text: String },
    #[serde(alias = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Ended {
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Figures so far; each that is told takes the place of the one before.
#[derive(Deserialize)]
struct UsageJson {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
}

/// The figures that were told.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Usage {
    input: u64,
    written: u64,
    read: u64,
    output: u64,
}

impl Usage {
    fn told(&mut self, told: &UsageJson) -> Heard {
        let newer = |old: &mut u64, new: Option<u64>| *old = new.unwrap_or(*old);
        newer(&mut self.input, told.input_tokens);
        newer(&mut self.written, told.cache_creation_input_tokens);
        newer(&mut self.read, told.cache_read_input_tokens);
        newer(&mut self.output, told.output_tokens);
        let input = self.input.saturating_add(self.written);
        Heard::Usage(TurnUsage {
            input_tokens: input.saturating_add(self.read),
            output_tokens: self.output,
        })
    }
}

fn words(block: Block) -> Option<Heard> {
    match block {
        Block::Text { text } if !text.is_empty() => Some(Heard::Text(text)),
        Block::Thinking { thinking } if !thinking.is_empty() => Some(Heard::Reasoning(thinking)),
        Block::Text { .. } | Block::Thinking { .. } | Block::Other => None,
    }
}

fn finish(reason: &str) -> Heard {
    Heard::Finish(match reason {
        "refusal" => Finish::ContentFilter,
        _ => Finish::End,
    })
}

/// What an event of a stream tells; what is not understood tells nothing.
pub(super) fn event(data: &[u8], usage: &mut Usage, heard: &mut Vec<Heard>) {
    if let Some(error) = Told::of(data) {
        heard.push(Heard::Error(error));
        return;
    }
    let Ok(event) = serde_json::from_slice::<Event>(data) else {
        return;
    };
    match event {
        Event::MessageStart { message } => {
            heard.extend(message.usage.map(|told| usage.told(&told)));
        }
        Event::ContentBlockStart { content_block } => heard.extend(words(content_block)),
        Event::ContentBlockDelta { delta } => heard.extend(words(delta)),
        Event::MessageDelta { delta, usage: told } => {
            heard.extend(told.map(|told| usage.told(&told)));
            heard.extend(delta.stop_reason.as_deref().map(finish));
        }
        Event::MessageStop => heard.push(Heard::Finish(Finish::End)),
        Event::Other => {}
    }
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Vec<Block>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<UsageJson>,
}

/// What an answer in one piece tells.
pub(super) fn whole(body: &[u8]) -> Vec<Heard> {
    if let Some(error) = Told::of(body) {
        return vec![Heard::Error(error)];
    }
    let Ok(message) = serde_json::from_slice::<Message>(body) else {
        return Vec::new();
    };
    let mut heard: Vec<Heard> = message.content.into_iter().filter_map(words).collect();
    heard.extend(message.usage.map(|told| Usage::default().told(&told)));
    heard.extend(message.stop_reason.as_deref().map(finish));
    heard
}
