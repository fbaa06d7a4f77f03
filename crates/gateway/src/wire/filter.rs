//! Hiding the usage chunk that the gateway asked for and the client did not.

use bytes::Bytes;

use super::json::{self, Fields};
use super::sse::SseReader;

/// An event that grows beyond this is passed on unseen: no usage chunk is that large.
const MAX_HELD_BYTES: usize = 64 * 1024;

/// Passes an OpenAI stream through and leaves out exactly the events that have no choices and a `usage`; all other
/// bytes stay as they are. Nothing is held back but an event whose end has not arrived.
#[derive(Debug, Default)]
pub struct UsageChunkFilter {
    /// The event that is not yet complete.
    held: Vec<u8>,
    /// The incomplete event was too long to be held: the rest of it passes.
    passing: bool,
    /// The current line has bytes.
    in_line: bool,
    /// The last byte was a CR, whose LF may follow.
    after_cr: bool,
    /// What happened to the event that this CR ended, if it ended one.
    last_fate: Option<Fate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Hidden,
}

impl UsageChunkFilter {
    /// A filter for one stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives those to send now; empty if there are none.
    #[must_use]
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        let fresh = self.held.is_empty() && !self.passing;
        let mut out = Vec::new();
        let mut hidden = false;
        for byte in chunk.iter().copied() {
            if self.after_cr && byte == b'\n' {
                self.after_cr = false;
                match self.last_fate.take() {
                    Some(Fate::Hidden) => hidden = true,
                    Some(Fate::Kept) => out.push(byte),
                    None => self.held.push(byte),
                }
                continue;
            }
            self.last_fate = None;
            self.after_cr = byte == b'\r';
            self.held.push(byte);
            if !matches!(byte, b'\r' | b'\n') {
                self.in_line = true;
            } else if std::mem::take(&mut self.in_line) {
                // The end of a line that had something in it.
            } else {
                let fate = self.end_event(&mut out);
                hidden |= fate == Fate::Hidden;
                self.last_fate = Some(fate);
            }
        }
        if self.passing || self.held.len() > MAX_HELD_BYTES {
            self.passing = true;
            out.append(&mut self.held);
        }
        // The usual case: whole events, all of them kept. The chunk itself goes on, uncopied.
        if fresh && !hidden && self.held.is_empty() {
            chunk
        } else {
            Bytes::from(out)
        }
    }

    /// The end of the stream: what was held, unless it is a usage chunk without its last line end.
    #[must_use]
    pub fn finish(&mut self) -> Bytes {
        let mut out = Vec::new();
        self.end_event(&mut out);
        Bytes::from(out)
    }

    fn end_event(&mut self, out: &mut Vec<u8>) -> Fate {
        if !std::mem::take(&mut self.passing) && only_usage(&self.held) {
            self.held.clear();
            return Fate::Hidden;
        }
        out.append(&mut self.held);
        Fate::Kept
    }
}

/// Whether an event carries usage and nothing else.
fn only_usage(event: &[u8]) -> bool {
    if !event.windows(7).any(|part| part == b"\"usage\"") {
        return false;
    }
    let (mut reader, mut found) = (SseReader::default(), false);
    let mut judge = |data: &[u8]| {
        let fields = std::str::from_utf8(data).ok().and_then(Fields::parse);
        found = fields.is_some_and(|fields| {
            let choices = fields.last("choices").and_then(json::elements);
            choices.is_some_and(|choices| choices.is_empty()) && fields.last("usage").is_some()
        });
    };
    reader.feed(event, &mut judge);
    reader.finish(judge);
    found
}
