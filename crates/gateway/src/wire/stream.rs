//! Metering a stream while it passes: fed with raw bytes at any borders, it keeps the last figures that were reported.

use std::collections::BTreeMap;

use model::metering::TokenUsage;
use serde_json::value::RawValue;

use super::Dialect;
use super::json::{self, Fields};
use super::metered::Metered;
use super::sse::SseReader;
use super::text::text_bytes;
use super::usage::{self, AnthropicUsage};

/// Reads the usage of a streamed answer.
#[derive(Debug)]
pub struct StreamMeter {
    reader: SseReader,
    state: State,
}

impl StreamMeter {
    /// A meter for one answer.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        let figures = match dialect {
            Dialect::OpenAiChat => Figures::OpenAi(OpenAiStream::default()),
            Dialect::AnthropicMessages => Figures::Anthropic(AnthropicStream::default()),
        };
        Self {
            reader: SseReader::default(),
            state: State {
                figures,
                seen: Metered::default(),
            },
        }
    }

    /// Takes the next bytes, wherever they begin and end.
    pub fn feed(&mut self, chunk: &[u8]) {
        let Self { reader, state } = self;
        reader.feed(chunk, |data| state.event(data));
    }

    /// What is known so far: for saving progress.
    #[must_use]
    pub fn snapshot(&self) -> Metered {
        let (usage, complete) = match &self.state.figures {
            Figures::OpenAi(stream) => (stream.usage, stream.complete()),
            Figures::Anthropic(stream) => (stream.usage.total(), stream.complete),
        };
        let seen = &self.state.seen;
        Metered {
            usage,
            complete,
            output_bytes_seen: self.output_bytes_seen(),
            ..seen.clone()
        }
    }

    /// Whether the provider's last event has come (`[DONE]`, `message_stop`): no figures follow it.
    #[must_use]
    pub const fn ended(&self) -> bool {
        match &self.state.figures {
            Figures::OpenAi(stream) => stream.done,
            Figures::Anthropic(stream) => stream.stopped,
        }
    }

    /// Bytes of generated text received so far: the same as in [`StreamMeter::snapshot`].
    #[must_use]
    pub const fn output_bytes_seen(&self) -> u64 {
        self.state
            .seen
            .output_bytes_seen
            .saturating_add(self.reader.lost())
    }

    /// The end of the stream, clean or not.
    #[must_use]
    pub fn finish(mut self) -> Metered {
        let Self { reader, state } = &mut self;
        reader.finish(|data| state.event(data));
        self.snapshot()
    }
}

#[derive(Debug)]
struct State {
    figures: Figures,
    seen: Metered,
}

#[derive(Debug)]
enum Figures {
    OpenAi(OpenAiStream),
    Anthropic(AnthropicStream),
}

impl State {
    fn event(&mut self, data: &[u8]) {
        if data.trim_ascii() == b"[DONE]" {
            if let Figures::OpenAi(stream) = &mut self.figures {
                stream.done = true;
            }
            return;
        }
        let Some(fields) = std::str::from_utf8(data).ok().and_then(Fields::parse) else {
            // Cut or foreign: whatever it was, it was received.
            self.seen.output_bytes_seen = self
                .seen
                .output_bytes_seen
                .saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            return;
        };
        self.seen.error_seen |= fields.last("error").is_some();
        let generated = match &mut self.figures {
            Figures::OpenAi(stream) => {
                self.seen.name(&fields);
                stream.event(&fields)
            }
            Figures::Anthropic(stream) => {
                if let Some(message) = fields.object("message") {
                    self.seen.name(&message);
                }
                stream.event(&fields)
            }
        };
        self.seen.output_bytes_seen = self.seen.output_bytes_seen.saturating_add(generated);
    }
}

impl Metered {
    /// Takes model and id where they are told for the first time.
    fn name(&mut self, fields: &Fields<'_>) {
        let told = |name: &str| {
            fields
                .last(name)
                .and_then(json::string)
                .filter(|text| !text.is_empty())
        };
        if self.response_model.is_none() {
            self.response_model = told("model");
        }
        if self.provider_response_id.is_none() {
            self.provider_response_id = told("id");
        }
    }
}

#[derive(Debug, Default)]
struct OpenAiStream {
    usage: Option<TokenUsage>,
    /// Choices by their index: finished or not.
    choices: BTreeMap<u64, bool>,
    /// Figures came with or after the end of the last choice.
    usage_after_end: bool,
    done: bool,
}

impl OpenAiStream {
    /// Reads one chunk; returns the bytes of text that it brought.
    fn event(&mut self, fields: &Fields<'_>) -> u64 {
        let mut generated = 0_u64;
        for choice in fields
            .last("choices")
            .and_then(json::elements)
            .unwrap_or_default()
        {
            generated = generated.saturating_add(self.choice(choice));
        }
        let reported = fields
            .last("usage")
            .or_else(|| fields.object("x_groq")?.last("usage"));
        match reported.map(usage::openai) {
            Some(Ok(Some(usage))) => {
                self.usage = Some(usage);
                self.usage_after_end = self.all_ended();
            }
            // Figures that cannot be read must not leave earlier ones standing as the last word.
            Some(Err(_)) => self.usage = None,
            Some(Ok(None)) | None => {}
        }
        generated
    }

    fn choice(&mut self, choice: &RawValue) -> u64 {
        let Some(fields) = Fields::parse(choice.get()) else {
            return text_bytes(choice);
        };
        let index = fields.last("index").and_then(json::count).unwrap_or(0);
        let ended = self.choices.entry(index).or_default();
        *ended |= fields.last("finish_reason").is_some();
        ["delta", "message", "text"]
            .iter()
            .filter_map(|part| fields.last(part))
            .map(text_bytes)
            .sum()
    }

    fn all_ended(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(|ended| *ended)
    }

    fn complete(&self) -> bool {
        self.done || self.usage_after_end
    }
}

#[derive(Debug, Default)]
struct AnthropicStream {
    usage: AnthropicUsage,
    complete: bool,
    stopped: bool,
}

impl AnthropicStream {
    /// Reads one event; returns the bytes of text that it brought.
    fn event(&mut self, fields: &Fields<'_>) -> u64 {
        let kind = fields
            .last("type")
            .and_then(json::string)
            .unwrap_or_default();
        match kind.as_str() {
            "message_start" => {
                if let Some(usage) = fields
                    .object("message")
                    .and_then(|message| message.last("usage"))
                {
                    self.usage.merge(usage);
                }
                0
            }
            "message_delta" => {
                let usage = fields.last("usage");
                if let Some(usage) = usage {
                    self.usage.merge(usage);
                }
                let stopped = fields
                    .object("delta")
                    .is_some_and(|delta| delta.last("stop_reason").is_some());
                self.complete |= stopped && usage.is_some();
                0
            }
            "message_stop" => {
                self.complete = true;
                self.stopped = true;
                0
            }
            "content_block_start" => fields.last("content_block").map_or(0, text_bytes),
            "content_block_delta" => fields.last("delta").map_or(0, text_bytes),
            _ => 0,
        }
    }
}
