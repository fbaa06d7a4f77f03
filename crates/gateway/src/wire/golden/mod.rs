//! Golden tables over the shapes that providers send and clients ask, each fed whole, byte by byte and at random borders.

mod answers;
mod filtering;
mod hostile;
mod kept;
mod requests;
mod responses;
mod rewriting;
mod streams;

use super::{Dialect, Metered};
use model::metering::TokenUsage;

pub(super) const OPENAI: Dialect = Dialect::OpenAiChat;
pub(super) const RESPONSES: Dialect = Dialect::OpenAiResponses;
pub(super) const ANTHROPIC: Dialect = Dialect::AnthropicMessages;

/// The same bytes in many cuts: one piece, single bytes, and pseudo-random pieces of some seeds.
pub(crate) fn cuts(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut cuts = vec![vec![bytes], bytes.chunks(1).collect()];
    for seed in 1..=12_u64 {
        let (mut state, mut rest, mut pieces) = (seed, bytes, Vec::new());
        while !rest.is_empty() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let most = if seed % 3 == 0 { 200 } else { 17 };
            let size = usize::try_from(state >> 33).unwrap() % most + 1;
            let (piece, tail) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        cuts.push(pieces);
    }
    cuts
}

/// `data` events with the line ends of most servers.
pub(super) fn events(data: &[&str]) -> String {
    data.iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect()
}

/// No tokens at all, for constant tables.
pub(super) const ZERO: TokenUsage = TokenUsage {
    input: 0,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
    output: 0,
    reasoning: 0,
    audio_input: 0,
    audio_output: 0,
    web_searches: 0,
};

/// Input, cache read, output.
pub(super) const fn tokens(input: u64, cache_read: u64, output: u64) -> TokenUsage {
    TokenUsage {
        input,
        cache_read,
        output,
        ..ZERO
    }
}

/// What matters for money in a reading.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) usage: Option<TokenUsage>,
    pub(super) complete: bool,
    pub(super) bytes: u64,
    pub(super) error: bool,
}

impl From<Metered> for Reading {
    fn from(metered: Metered) -> Self {
        Self {
            usage: metered.usage,
            complete: metered.complete,
            bytes: metered.output_bytes_seen,
            error: metered.error_seen,
        }
    }
}

/// The reading of an answer that came to its end.
pub(super) const fn whole(usage: TokenUsage, bytes: u64) -> Reading {
    Reading {
        usage: Some(usage),
        complete: true,
        bytes,
        error: false,
    }
}

/// The reading of an answer that did not.
pub(super) const fn cut(usage: Option<TokenUsage>, bytes: u64) -> Reading {
    Reading {
        usage,
        complete: false,
        bytes,
        error: false,
    }
}

/// The reading of an answer that came to its end and never told its usage.
pub(super) const fn silent(bytes: u64) -> Reading {
    Reading {
        usage: None,
        complete: true,
        bytes,
        error: false,
    }
}
