//! The wire formats of AI providers as a pure module: bytes and numbers in, facts and bytes out.
//!
//! It must not know of sockets, HTTP frameworks, stores or clocks: everything here is tested with tables of text.
//! What a request may cost is read by [`parse_request`], the few fields that the gateway sets are set by [`rewrite`],
//! what it did cost is read by [`read_usage`] and [`StreamMeter`], and the gateway's own refusals take the provider's
//! shape in [`error_body`].
//!
//! To add a dialect: a variant of [`Dialect`], its rule in `usage/`, its file in `stream/`, its arm in `errors.rs`, its
//! safe content and tool types in `prompt.rs` and `tools.rs`, and cases in `golden/`.

mod error_event;
mod errors;
mod facts;
mod filter;
mod json;
mod kept;
mod metered;
mod prompt;
mod request;
mod rewrite;
mod sse;
mod stream;
mod text;
mod tools;
mod usage;

#[cfg(test)]
pub(crate) mod golden;

use model::prices::ProviderKind;

pub use error_event::error_event;
pub use errors::{ErrorKind, error_body};
pub use facts::{Fee, RequestError, RequestFacts};
pub use filter::UsageChunkFilter;
pub use kept::{MadeItems, Named, Storage};
pub use metered::Metered;
pub use request::parse_request;
pub use rewrite::{Change, rewrite};
pub use sse::SseReader;
pub use stream::StreamMeter;
pub use usage::read_usage;

/// The language that client and provider speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `POST /v1/chat/completions` of OpenAI, and of everybody who speaks it too.
    OpenAiChat,
    /// `POST /v1/responses` of OpenAI, and of everybody who speaks it too.
    OpenAiResponses,
    /// `POST /v1/messages` of Anthropic.
    AnthropicMessages,
}

impl Dialect {
    /// The dialect of a kind of provider, where the endpoint does not decide.
    #[must_use]
    pub const fn of(kind: ProviderKind) -> Self {
        match kind {
            ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => Self::OpenAiChat,
            ProviderKind::Anthropic => Self::AnthropicMessages,
        }
    }
}
