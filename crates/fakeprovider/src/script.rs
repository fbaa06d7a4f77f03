//! What the fake provider does: plain data, cheap to clone, changed at run time through a handle.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

/// The behaviour of the fake provider. The default is a well-behaved provider that answers at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The key that requests must bring, as `Authorization: Bearer` or `x-api-key`.
    pub api_key: String,
    /// The models of `GET /v1/models`. Requests may name any model.
    pub models: Vec<String>,
    /// How long an answer's first byte takes.
    pub first_byte_delay: Duration,
    /// Whether an answer's first byte waits for this to be opened, after that delay.
    pub gate: Option<Gate>,
    /// How long each further chunk of a stream takes.
    pub chunk_delay: Duration,
    /// How many tokens an answer has, per choice.
    pub output: Output,
    /// The output cap of a request that names none.
    pub default_cap: u64,
    /// How many prompt tokens are reported.
    pub prompt: Prompt,
    /// Prompt tokens reported on top: a prompt that the provider adds, or a report beyond any bound.
    pub extra_prompt_tokens: u64,
    /// How many of the prompt tokens came from the cache; at most all of them.
    pub cached_tokens: u64,
    /// How many of the rest were written to the cache. Chat completions have no field for it.
    pub cache_write_tokens: u64,
    /// How many of those were written to a cache that lives an hour. Only Anthropic has a field for it.
    pub long_cache_write_tokens: u64,
    /// How many of the output tokens are reasoning that is not shown; at most all of them.
    pub reasoning_tokens: u64,
    /// Answer with [`Script::output`] even beyond the request's cap.
    pub ignore_cap: bool,
    /// Where usage is reported.
    pub usage: UsageStyle,
    /// What goes wrong.
    pub fault: Fault,
    /// Tokens in one chunk of a stream; 0 counts as 1.
    pub tokens_per_chunk: u64,
    /// Cut the bytes of a stream into writes of this size instead of one write per event.
    pub write_bytes: Option<usize>,
}

impl Default for Script {
    fn default() -> Self {
        let models = [
            "gpt-4o",
            "gpt-4o-mini",
            "gpt-4.1",
            "gpt-4.1-mini",
            "o3-mini",
            "claude-sonnet-4-5",
            "claude-haiku-4-5",
            "claude-opus-4-1",
        ];
        Self {
            api_key: "fake-provider-key".to_owned(),
            models: models.map(str::to_owned).to_vec(),
            first_byte_delay: Duration::ZERO,
            gate: None,
            chunk_delay: Duration::ZERO,
            output: Output::Tokens(12),
            default_cap: 8_192,
            prompt: Prompt::Derived,
            extra_prompt_tokens: 0,
            cached_tokens: 0,
            cache_write_tokens: 0,
            long_cache_write_tokens: 0,
            reasoning_tokens: 0,
            ignore_cap: false,
            usage: UsageStyle::Normal,
            fault: Fault::None,
            tokens_per_chunk: 4,
            write_bytes: None,
        }
    }
}

/// Keeps answers back until it is opened, for good.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl PartialEq for Gate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gate {}

impl Gate {
    /// Lets everything pass.
    pub fn open(&self) {
        self.0.close();
    }

    /// Waits until it is open.
    pub(crate) async fn pass(&self) {
        // There are no permits: only its being open ends this.
        drop(self.0.acquire().await);
    }
}

/// How long an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// This many tokens, or the request's cap if that is less.
    Tokens(u64),
    /// As many as the request's cap allows.
    FillCap,
}

/// Where the number of prompt tokens comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// One token per four bytes of all fields of the request but scalars and `model`: messages, system, tools, ….
    Derived,
    /// This number.
    Fixed(u64),
}

/// Where a stream reports usage; plain answers report it unless it is omitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageStyle {
    /// As the documentation says: chat completions in a chunk without choices, and only if the request asked for it;
    /// responses in the last event; Anthropic in `message_start` and, cumulative, in `message_delta`.
    Normal,
    /// Never, asked or not.
    Omitted,
    /// Cumulative on every chunk, asked or not. The last chunk of chat completions, without choices, comes only if asked for.
    EveryChunk,
    /// Chat completions: on the chunk that ends the last choice, asked or not, and no chunk without choices.
    LastChoice,
}

/// What goes wrong. A plain answer counts as two chunks, its halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// This error status, with a body in the provider's shape.
    Status {
        /// For example 429, 500 or 529.
        status: u16,
        /// Seconds for the header `retry-after`.
        retry_after: Option<u64>,
    },
    /// The connection is dropped after so many chunks.
    CutAfterChunks(usize),
    /// No byte is ever answered.
    Hang,
    /// Nothing more comes after so many chunks, and the connection stays open.
    HangAfterChunks(usize),
    /// A stream ends with an error event after so many chunks; plain answers are not touched.
    ErrorEventAfterChunks(usize),
}
