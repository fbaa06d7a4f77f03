//! OpenAI's chat completions, which many others speak as well.

use model::chats::{ChatMessage, MessageRole, TurnUsage};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Conversation, Files, Finish, Heard, Told,
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

fn part(part: &Part<'_>) -> Value {
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

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<UsageJson>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    /// Of a stream.
    #[serde(default)]
    delta: Option<Words>,
    /// Of an answer in one piece.
    #[serde(default)]
    message: Option<Words>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    /// Not OpenAI's own, but of many that speak its language; some say the same twice.
    #[serde(default)]
    reasoning_content: Option<String>,
    #[serde(default)]
    reasoning: Option<String>,
}

#[derive(Deserialize)]
struct UsageJson {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// What an event of a stream tells.
pub(super) fn event(data: &[u8], heard: &mut Vec<Heard>) {
    if data.trim_ascii() == DONE {
        heard.push(Heard::Finish(Finish::End));
    } else if let Some(error) = Told::of(data) {
        heard.push(Heard::Error(error));
    } else {
        read(data, heard);
    }
}

/// What an answer in one piece tells.
pub(super) fn whole(body: &[u8]) -> Vec<Heard> {
    let mut heard = Vec::new();
    match Told::of(body) {
        Some(error) => heard.push(Heard::Error(error)),
        None => read(body, &mut heard),
    }
    heard
}

/// What is not understood tells nothing.
fn read(data: &[u8], heard: &mut Vec<Heard>) {
    let Ok(completion) = serde_json::from_slice::<Completion>(data) else {
        return;
    };
    // More than one answer is never asked for.
    for choice in completion.choices.into_iter().filter(|one| one.index == 0) {
        for words in [choice.delta, choice.message].into_iter().flatten() {
            let reasoning = words.reasoning_content.or(words.reasoning);
            let mut say = |words: Option<String>, make: fn(String) -> Heard| {
                let words = words.filter(|words| !words.is_empty());
                heard.extend(words.map(make));
            };
            say(reasoning, Heard::Reasoning);
            say(words.content, Heard::Text);
            say(words.refusal, Heard::Text);
        }
        heard.extend(choice.finish_reason.map(|reason| {
            Heard::Finish(match reason.as_str() {
                "content_filter" => Finish::ContentFilter,
                _ => Finish::End,
            })
        }));
    }
    heard.extend(completion.usage.map(|usage| {
        Heard::Usage(TurnUsage {
            input_tokens: usage.prompt_tokens,
            output_tokens: usage.completion_tokens,
        })
    }));
}
