//! Streams of Anthropic's messages: the first event tells the input, the last delta tells it all.

use crate::wire::json::{self, Fields};
use crate::wire::text::text_bytes;
use crate::wire::usage::AnthropicUsage;

#[derive(Debug, Default)]
pub(super) struct AnthropicStream {
    pub(super) usage: AnthropicUsage,
    /// A delta has told the output, and no text came after it. What the first event says of the output is not final.
    fresh: bool,
    /// The last delta or the end mark has come.
    ended: bool,
    pub(super) stopped: bool,
}

impl AnthropicStream {
    /// Reads one event; returns the bytes of text that it brought.
    pub(super) fn event(&mut self, fields: &Fields<'_>) -> u64 {
        let kind = fields
            .last("type")
            .and_then(json::string)
            .unwrap_or_default();
        let text = match kind.as_str() {
            "message_start" => {
                if let Some(usage) = fields
                    .object("message")
                    .and_then(|message| message.last("usage"))
                {
                    self.usage.merge(usage);
                }
                None
            }
            "message_delta" => {
                self.delta(fields);
                None
            }
            "message_stop" => {
                self.ended = true;
                self.stopped = true;
                None
            }
            "content_block_start" => fields.last("content_block"),
            "content_block_delta" => fields.last("delta"),
            _ => None,
        };
        let generated = text.map_or(0, text_bytes);
        self.fresh &= generated == 0;
        generated
    }

    fn delta(&mut self, fields: &Fields<'_>) {
        let usage = fields.last("usage");
        if let Some(usage) = usage {
            self.fresh |= self.usage.merge(usage);
        }
        let stopped = fields
            .object("delta")
            .is_some_and(|delta| delta.last("stop_reason").is_some());
        self.ended |= stopped && usage.is_some();
    }

    pub(super) fn complete(&self) -> bool {
        self.ended && (self.usage.total().is_none() || (self.fresh && self.usage.whole()))
    }
}
