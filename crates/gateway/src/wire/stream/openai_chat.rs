//! Streams of chat completions: figures on one chunk, on every chunk, or on none.

use std::collections::BTreeMap;

use model::metering::TokenUsage;
use serde_json::value::RawValue;

use crate::wire::json::{self, Fields};
use crate::wire::usage;

#[derive(Debug, Default)]
pub(super) struct OpenAiStream {
    pub(super) usage: Option<TokenUsage>,
    /// Choices by their index: finished or not.
    choices: BTreeMap<u64, bool>,
    /// Figures came with or after the end of the last choice.
    usage_after_end: bool,
    /// Text came after the last figures, which therefore are not the last word.
    stale: bool,
    pub(super) done: bool,
}

impl OpenAiStream {
    /// Reads one chunk; returns the bytes of text that it brought.
    pub(super) fn event(&mut self, fields: &Fields<'_>) -> u64 {
        let (mut generated, mut of_choice) = (0_u64, None);
        for choice in fields
            .last("choices")
            .and_then(json::elements)
            .unwrap_or_default()
        {
            let (bytes, usage) = self.choice(choice);
            generated = generated.saturating_add(bytes);
            of_choice = usage.or(of_choice);
        }
        self.stale |= generated > 0;
        let reported = fields
            .last("usage")
            .or_else(|| fields.object("x_groq")?.last("usage"))
            .or(of_choice);
        match reported.map(|value| usage::openai(value, &usage::CHAT)) {
            Some(Ok(Some(usage))) => {
                self.usage = Some(usage);
                self.usage_after_end = self.all_ended();
                self.stale = false;
            }
            // Figures that cannot be read must not leave earlier ones standing as the last word.
            Some(Err(_)) => self.usage = None,
            Some(Ok(None)) | None => {}
        }
        generated
    }

    /// Reads one choice: the bytes of text that it brought, and the figures that one provider puts there.
    fn choice<'a>(&mut self, choice: &'a RawValue) -> (u64, Option<&'a RawValue>) {
        let bytes = usage::choice_bytes(choice);
        let Some(fields) = Fields::parse(choice.get()) else {
            return (bytes, None);
        };
        let index = fields.last("index").and_then(json::count).unwrap_or(0);
        let ended = self.choices.entry(index).or_default();
        *ended |= fields.last("finish_reason").is_some();
        (bytes, fields.last("usage"))
    }

    fn all_ended(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(|ended| *ended)
    }

    pub(super) fn complete(&self) -> bool {
        (self.done || self.usage_after_end) && !(self.usage.is_some() && self.stale)
    }
}
