//! Metering a stream while it passes: fed with raw bytes at any borders, it keeps the last figures that were reported.

mod anthropic;
mod openai_chat;
mod responses;

use anthropic::AnthropicStream;
use openai_chat::OpenAiStream;
use responses::ResponsesStream;

use super::Dialect;
use super::json::{self, Fields};
use super::metered::Metered;
use super::sse::SseReader;
use super::usage;

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
            Dialect::OpenAiResponses => Figures::Responses(ResponsesStream::default()),
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
            Figures::Responses(stream) => (stream.usage(), stream.complete()),
            Figures::Anthropic(stream) => (stream.usage.total(), stream.complete()),
        };
        let seen = &self.state.seen;
        Metered {
            usage,
            complete,
            output_bytes_seen: self.output_bytes_seen(),
            ..seen.clone()
        }
    }

    /// Whether the provider's last event has come (`[DONE]`, `response.completed` and the like, `message_stop`): no figures
    /// follow it.
    #[must_use]
    pub const fn ended(&self) -> bool {
        match &self.state.figures {
            Figures::OpenAi(stream) => stream.done,
            Figures::Responses(stream) => stream.ended,
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
    Responses(ResponsesStream),
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
            Figures::Responses(stream) => {
                if let Some(item) = fields.last("item") {
                    self.seen.items.note(item);
                }
                if let Some(response) = fields.object("response") {
                    self.seen.name(&response);
                    usage::note_items(&response, &mut self.seen.items);
                }
                let generated = stream.event(&fields);
                self.seen.error_seen |= stream.failed;
                generated
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
        let told = |name: &str| fields.last(name).and_then(json::name);
        if self.response_model.is_none() {
            self.response_model = told("model");
        }
        if self.provider_response_id.is_none() {
            self.provider_response_id = told("id");
        }
    }
}
