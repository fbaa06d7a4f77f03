//! Streams of the Responses API: named events, the last of which carries the whole answer and its figures.

use std::collections::BTreeMap;

use model::metering::TokenUsage;

use crate::wire::json::{self, Fields};
use crate::wire::text::text_bytes;
use crate::wire::usage::{self, Answer, Item};

#[derive(Debug, Default)]
pub(super) struct ResponsesStream {
    usage: Option<TokenUsage>,
    /// Items of the output by their index, as far as they have come.
    items: BTreeMap<u64, Item>,
    /// What the last event showed of the output.
    last: Answer,
    /// An event that ends the answer has come.
    pub(super) ended: bool,
    /// The figures came with or after it.
    final_usage: bool,
    /// The answer failed.
    pub(super) failed: bool,
    /// Bytes of text so far.
    seen: u64,
}

impl ResponsesStream {
    /// Reads one event; returns the bytes of text that it brought and no earlier one had.
    pub(super) fn event(&mut self, fields: &Fields<'_>) -> u64 {
        let kind = fields
            .last("type")
            .and_then(json::string)
            .unwrap_or_default();
        let response = fields.object("response");
        let answer = response.as_ref().map(Answer::read).unwrap_or_default();
        if ends(&kind) || (kind.is_empty() && answer.ended) {
            self.ended = true;
            self.last = answer;
        }
        self.failed |= kind == "error" || kind == "response.failed";
        self.item(&kind, fields);
        let reported = response
            .as_ref()
            .and_then(|response| response.last("usage"));
        match reported
            .or_else(|| fields.last("usage"))
            .map(|value| usage::openai(value, &usage::RESPONSES))
        {
            Some(Ok(Some(usage))) => {
                self.usage = Some(usage);
                self.final_usage = self.ended;
            }
            // Figures that cannot be read must not leave earlier ones standing as the last word.
            Some(Err(_)) => self.usage = None,
            Some(Ok(None)) | None => {}
        }
        let bytes = self.items.values().map(|item| item.bytes);
        let seen = bytes.fold(0, u64::saturating_add).max(self.last.bytes);
        let fresh = seen.saturating_sub(self.seen);
        self.seen = self.seen.max(seen);
        fresh
    }

    /// Text comes in deltas, and once more with the end of its item; the longer of both counts.
    fn item(&mut self, kind: &str, fields: &Fields<'_>) {
        let index = || {
            let index = fields.last("output_index").and_then(json::count);
            index.unwrap_or(0)
        };
        if kind.ends_with(".delta") {
            let item = self.items.entry(index()).or_default();
            let bytes = fields.last("delta").map_or(0, text_bytes);
            item.bytes = item.bytes.saturating_add(bytes);
        } else if let Some(told) = fields.last("item") {
            let (told, item) = (Item::read(told), self.items.entry(index()).or_default());
            item.bytes = item.bytes.max(told.bytes);
            // Only at its end an item tells what kind of search it was.
            item.search |= told.search && kind.ends_with(".done");
        }
    }

    /// The last figures, with the searches that the output shows.
    pub(super) fn usage(&self) -> Option<TokenUsage> {
        let searches = self.items.values().filter(|item| item.search).count();
        let searches = u64::try_from(searches).unwrap_or(u64::MAX);
        let answer = Answer {
            searches: searches.max(self.last.searches),
            ..self.last
        };
        self.usage.map(|usage| answer.with_searches(usage))
    }

    pub(super) fn complete(&self) -> bool {
        self.ended && (self.usage.is_none() || self.final_usage)
    }
}

/// Whether this is the last event of an answer.
fn ends(kind: &str) -> bool {
    matches!(
        kind,
        "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.done"
    )
}
