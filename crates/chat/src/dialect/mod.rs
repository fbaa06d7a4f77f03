//! The languages of providers: what was said becomes a request, and what comes back becomes words. Pure.

mod anthropic;
mod heard;
mod lenient;
mod openai;
mod parts;
mod size;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bytes::Bytes;
use gateway::wire::SseReader;
use model::{
    ChatFileId,
    chats::{ChatFileBytes, ChatMessage},
    prices::ProviderKind,
};
use serde_json::Value;

pub(crate) use heard::{Finish, Heard, Told};

/// The files that a conversation names, as far as they are still there; `None` is one that is left out.
pub(crate) type Files = HashMap<ChatFileId, Option<ChatFileBytes>>;

/// What a model is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conversation<'a> {
    /// The model, as the provider calls it.
    pub(crate) model: &'a str,
    /// What was said so far.
    pub(crate) history: &'a [ChatMessage],
    /// The files that are named there.
    pub(crate) files: &'a Files,
    /// The most output tokens to ask for where the language wants a bound, as Anthropic's does. OpenAI's is asked for none:
    /// where a limit on spend applies the gateway sets one, since a hold needs a worst case, and where none does the
    /// model's own is the bound.
    pub(crate) output_cap: u64,
}

/// The request of a conversation: a stream is asked for, with its usage at the end.
pub(crate) fn request(kind: ProviderKind, conversation: &Conversation<'_>) -> Bytes {
    Bytes::from(asked(kind, conversation).to_string())
}

/// How many bytes the request of a conversation has.
pub(crate) fn request_size(kind: ProviderKind, conversation: &Conversation<'_>) -> usize {
    size::of(&asked(kind, conversation))
}

/// How many bytes of a request a file takes each time that it is named, encoded as the language wants it.
pub(crate) fn file_size(kind: ProviderKind, file: &ChatFileBytes) -> usize {
    let part = parts::attached(file);
    size::of(&match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => openai::part(&part),
        ProviderKind::Anthropic => anthropic::block(&part),
    })
}

fn asked(kind: ProviderKind, conversation: &Conversation<'_>) -> Value {
    match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => openai::request(conversation),
        ProviderKind::Anthropic => anthropic::request(conversation),
    }
}

/// Reads an answer of a provider, at whatever borders its bytes arrive.
#[derive(Debug)]
pub(crate) struct AnswerReader {
    kind: ProviderKind,
    sse: SseReader,
    anthropic: anthropic::Usage,
}

impl AnswerReader {
    pub(crate) fn new(kind: ProviderKind) -> Self {
        Self {
            kind,
            sse: SseReader::default(),
            anthropic: anthropic::Usage::default(),
        }
    }

    /// What these bytes of a stream tell.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Vec<Heard> {
        let (kind, usage, mut heard) = (self.kind, &mut self.anthropic, Vec::new());
        self.sse
            .feed(chunk, |data| event(kind, usage, data, &mut heard));
        heard
    }

    /// What the end of a stream tells.
    pub(crate) fn finish(&mut self) -> Vec<Heard> {
        let (kind, usage, mut heard) = (self.kind, &mut self.anthropic, Vec::new());
        self.sse.finish(|data| event(kind, usage, data, &mut heard));
        heard
    }
}

fn event(kind: ProviderKind, usage: &mut anthropic::Usage, data: &[u8], heard: &mut Vec<Heard>) {
    match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => openai::event(data, heard),
        ProviderKind::Anthropic => anthropic::event(data, usage, heard),
    }
}

/// What an answer in one piece tells.
pub(crate) fn whole(kind: ProviderKind, body: &[u8]) -> Vec<Heard> {
    match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => openai::whole(body),
        ProviderKind::Anthropic => anthropic::whole(body),
    }
}
