//! The figures of Anthropic's messages, which are cumulative, so that each replaces the one before.

use model::metering::TokenUsage;
use serde_json::value::RawValue;

use super::{Unreadable, figure, inner};
use crate::wire::json::{self, Fields};

/// Anthropic's figures, each the last that was reported: all of them are cumulative, none is ever added to another.
#[derive(Debug, Default)]
pub(in crate::wire) struct AnthropicUsage {
    last: AnthropicFigures,
    /// The sum of the request's sampling steps. A compaction step is in here and in no other figure.
    steps: Option<AnthropicFigures>,
    unreadable: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct AnthropicFigures {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    cache_write_5m: Option<u64>,
    cache_write_1h: Option<u64>,
    output: Option<u64>,
    web_searches: Option<u64>,
}

impl AnthropicUsage {
    /// Takes the `usage` object of one event; its figures replace earlier ones, what it lacks stays. Whether it tells
    /// the output.
    pub(in crate::wire) fn merge(&mut self, value: &RawValue) -> bool {
        let told = Fields::parse(value.get())
            .ok_or(Unreadable)
            .and_then(|fields| self.read(&fields));
        self.unreadable |= told.is_err();
        told.unwrap_or(false)
    }

    fn read(&mut self, fields: &Fields<'_>) -> Result<bool, Unreadable> {
        let told = AnthropicFigures::read(fields)?;
        self.last = self.last.replaced_by(told);
        let Some(steps) = fields.last("iterations") else {
            return Ok(told.output.is_some());
        };
        let mut sum = AnthropicFigures::default();
        for step in json::elements(steps).ok_or(Unreadable)? {
            let step = Fields::parse(step.get()).ok_or(Unreadable)?;
            sum = sum.plus(AnthropicFigures::read(&step)?);
        }
        self.steps = Some(sum);
        Ok(told.output.is_some())
    }

    /// Whether both input and output were told: what is missing is not free.
    pub(in crate::wire) const fn whole(&self) -> bool {
        self.last.input.is_some() && self.last.output.is_some()
    }

    /// The counts; `None` if nothing was reported, or something that could not be read.
    pub(in crate::wire) fn total(&self) -> Option<TokenUsage> {
        let figures = self.last;
        if self.unreadable || (figures.input.is_none() && figures.output.is_none()) {
            return None;
        }
        let (told, steps) = (figures.counts(), self.steps.unwrap_or_default().counts());
        Some(TokenUsage {
            input: told.input.max(steps.input),
            cache_read: told.cache_read.max(steps.cache_read),
            cache_write_5m: told.cache_write_5m.max(steps.cache_write_5m),
            cache_write_1h: told.cache_write_1h.max(steps.cache_write_1h),
            output: told.output.max(steps.output),
            ..told
        })
    }
}

impl AnthropicFigures {
    fn read(fields: &Fields<'_>) -> Result<Self, Unreadable> {
        let split = fields.object("cache_creation");
        let server = fields.object("server_tool_use");
        Ok(Self {
            input: figure(fields, "input_tokens")?,
            cache_read: figure(fields, "cache_read_input_tokens")?,
            cache_write: figure(fields, "cache_creation_input_tokens")?,
            cache_write_5m: inner(split.as_ref(), "ephemeral_5m_input_tokens")?,
            cache_write_1h: inner(split.as_ref(), "ephemeral_1h_input_tokens")?,
            output: figure(fields, "output_tokens")?,
            web_searches: inner(server.as_ref(), "web_search_requests")?,
        })
    }

    fn zip(self, other: Self, join: impl Fn(Option<u64>, Option<u64>) -> Option<u64>) -> Self {
        Self {
            input: join(self.input, other.input),
            cache_read: join(self.cache_read, other.cache_read),
            cache_write: join(self.cache_write, other.cache_write),
            cache_write_5m: join(self.cache_write_5m, other.cache_write_5m),
            cache_write_1h: join(self.cache_write_1h, other.cache_write_1h),
            output: join(self.output, other.output),
            web_searches: join(self.web_searches, other.web_searches),
        }
    }

    fn replaced_by(self, later: Self) -> Self {
        let mut last = self.zip(later, |old, new| new.or(old));
        // A total without a split that is below the earlier split has replaced it: the longer lifetime, which is the
        // dearer, keeps what it can.
        if later.cache_write_5m.is_none()
            && let (Some(total), None, Some(hour)) =
                (later.cache_write, later.cache_write_1h, self.cache_write_1h)
            && total < hour.saturating_add(self.cache_write_5m.unwrap_or(0))
        {
            last.cache_write_1h = Some(hour.min(total));
            last.cache_write_5m = Some(total.saturating_sub(hour));
        }
        last
    }

    fn plus(self, other: Self) -> Self {
        self.zip(other, |a, b| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (one, other) => one.or(other),
        })
    }

    fn counts(self) -> TokenUsage {
        let (five, hour) = self.cache_writes();
        TokenUsage {
            input: self.input.unwrap_or(0),
            cache_read: self.cache_read.unwrap_or(0),
            cache_write_5m: five,
            cache_write_1h: hour,
            output: self.output.unwrap_or(0),
            web_searches: self.web_searches.unwrap_or(0),
            ..TokenUsage::default()
        }
    }

    /// Cache writes by lifetime. The split may be older than the total (it comes with the first event, the total grows
    /// with server tools): what the split does not cover goes to the one lifetime that is in use, five minutes if both.
    fn cache_writes(self) -> (u64, u64) {
        let (five, hour) = (
            self.cache_write_5m.unwrap_or(0),
            self.cache_write_1h.unwrap_or(0),
        );
        let split = five.saturating_add(hour);
        let rest = self.cache_write.unwrap_or(split).saturating_sub(split);
        if five == 0 && hour > 0 {
            (0, hour.saturating_add(rest))
        } else {
            (five.saturating_add(rest), hour)
        }
    }
}
