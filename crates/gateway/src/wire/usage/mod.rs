//! The usage figures of all wire formats, turned into disjoint counts: one rule for each format.
//!
//! - OpenAI's two formats ([`openai`]) differ in names only. Their prompt contains what was cached and heard, their
//!   completion what was thought and spoken.
//! - Anthropic's figures ([`anthropic`]) are disjoint as they come.
//!
//! A figure that is there and cannot be read makes the whole usage unreadable, and one without a prompt or an answer is
//! none: a guess from half of the figures would be an undercharge that nobody sees, while an answer without usage is
//! estimated and marked.

mod anthropic;
mod openai;

use model::metering::TokenUsage;
use serde_json::value::RawValue;

use super::Dialect;
use super::json::{self, Fields};
use super::kept::MadeItems;
use super::metered::Metered;
use super::text::text_bytes;

pub(super) use anthropic::AnthropicUsage;
pub(super) use openai::{CHAT, RESPONSES, read as openai};

/// A figure that is no count.
#[derive(Debug)]
pub(super) struct Unreadable;

type Figure = Result<Option<u64>, Unreadable>;

/// A count by its name; absent and `null` are `None`, an explicit zero is a zero.
fn figure(fields: &Fields<'_>, name: &str) -> Figure {
    fields
        .last(name)
        .map(|value| json::count(value).ok_or(Unreadable))
        .transpose()
}

/// The same, of an object that may be missing.
fn inner(fields: Option<&Fields<'_>>, name: &str) -> Figure {
    fields.map_or(Ok(None), |fields| figure(fields, name))
}

/// Reads a whole answer that was not streamed. A body that is no JSON, one that was cut off say, is not complete, and
/// all its bytes count as received.
#[must_use]
pub fn read_usage(dialect: Dialect, body: &[u8]) -> Metered {
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let Some(fields) = std::str::from_utf8(text).ok().and_then(Fields::parse) else {
        let output_bytes_seen = u64::try_from(body.len()).unwrap_or(u64::MAX);
        return Metered {
            output_bytes_seen,
            ..Metered::default()
        };
    };
    let mut metered = Metered {
        complete: true,
        response_model: fields.last("model").and_then(json::name),
        provider_response_id: fields.last("id").and_then(json::name),
        error_seen: fields.last("error").is_some(),
        ..Metered::default()
    };
    let reported = fields.last("usage");
    match dialect {
        Dialect::OpenAiChat => {
            metered.usage = reported.and_then(|value| openai(value, &CHAT).ok().flatten());
            let choices = fields.last("choices").and_then(json::elements);
            let bytes = choices.into_iter().flatten().map(choice_bytes);
            metered.output_bytes_seen = bytes.fold(0, u64::saturating_add);
        }
        Dialect::OpenAiResponses => {
            let answer = Answer::read(&fields);
            note_items(&fields, &mut metered.items);
            let usage = reported.and_then(|value| openai(value, &RESPONSES).ok().flatten());
            metered.usage = usage.map(|usage| answer.with_searches(usage));
            metered.output_bytes_seen = answer.bytes;
            metered.complete = answer.ended;
        }
        Dialect::AnthropicMessages => {
            let mut figures = AnthropicUsage::default();
            if let Some(value) = reported {
                figures.merge(value);
            }
            metered.usage = figures.total();
            metered.complete = metered.usage.is_none() || figures.whole();
            metered.output_bytes_seen = fields.last("content").map_or(0, text_bytes);
        }
    }
    metered
}

/// Notes the items in the output of a response.
pub(super) fn note_items(response: &Fields<'_>, items: &mut MadeItems) {
    let output = response.last("output").and_then(json::elements);
    for item in output.into_iter().flatten() {
        items.note(item);
    }
}

/// Bytes of text in one choice of a chat completion, whole or a piece of it.
pub(super) fn choice_bytes(choice: &RawValue) -> u64 {
    let Some(fields) = Fields::parse(choice.get()) else {
        return text_bytes(choice);
    };
    let parts = ["message", "delta", "text"];
    let told = parts.iter().filter_map(|part| fields.last(part));
    told.map(text_bytes).fold(0, u64::saturating_add)
}

/// What the object `response` of the Responses API tells beside its usage.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answer {
    /// It has come to its end, one way or another.
    pub(super) ended: bool,
    /// Bytes of text in its output.
    pub(super) bytes: u64,
    /// Web searches in its output.
    pub(super) searches: u64,
}

impl Answer {
    pub(super) fn read(fields: &Fields<'_>) -> Self {
        let status = fields.last("status").and_then(json::string);
        let mut answer = Self {
            ended: !matches!(status.as_deref(), Some("in_progress" | "queued")),
            ..Self::default()
        };
        let items = fields.last("output").and_then(json::elements);
        for item in items.into_iter().flatten() {
            let item = Item::read(item);
            answer.bytes = answer.bytes.saturating_add(item.bytes);
            answer.searches = answer.searches.saturating_add(u64::from(item.search));
        }
        answer
    }

    /// The figures with the searches, which the answer shows and its usage does not tell.
    pub(super) fn with_searches(self, usage: TokenUsage) -> TokenUsage {
        TokenUsage {
            web_searches: usage.web_searches.max(self.searches),
            ..usage
        }
    }
}

/// One item of an answer's output.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Item {
    /// Bytes of text.
    pub(super) bytes: u64,
    /// It is a web search that is charged; opening a page that was found, and looking into one, is not.
    pub(super) search: bool,
}

impl Item {
    pub(super) fn read(item: &RawValue) -> Self {
        let Some(fields) = Fields::parse(item.get()) else {
            return Self {
                bytes: text_bytes(item),
                search: false,
            };
        };
        // The format makes these, not the model.
        let made = |key: &str| matches!(key, "id" | "type" | "role" | "status" | "call_id");
        let generated = fields.iter().filter(|(key, _)| !made(key));
        let kind = fields.last("type").and_then(json::string);
        let action = fields
            .object("action")
            .and_then(|action| action.last("type").and_then(json::string));
        let free = matches!(
            action.as_deref(),
            Some("open_page" | "find_in_page" | "find")
        );
        Self {
            bytes: generated
                .map(|(_, value)| text_bytes(value))
                .fold(0, u64::saturating_add),
            search: kind.as_deref() == Some("web_search_call") && !free,
        }
    }
}
