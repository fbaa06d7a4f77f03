//! The usage figures of both dialects, turned into disjoint counts.
//!
//! A figure that is there and cannot be read makes the whole usage unreadable: a guess from half of the figures would be
//! an undercharge that nobody sees, while an answer without usage is estimated and marked.

use model::metering::TokenUsage;
use serde_json::value::RawValue;

use super::Dialect;
use super::json::{self, Fields};
use super::metered::Metered;
use super::text::text_bytes;

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
    let Some(fields) = std::str::from_utf8(body).ok().and_then(Fields::parse) else {
        let output_bytes_seen = u64::try_from(body.len()).unwrap_or(u64::MAX);
        return Metered {
            output_bytes_seen,
            ..Metered::default()
        };
    };
    let usage = fields.last("usage").and_then(|value| match dialect {
        Dialect::OpenAiChat => openai(value).ok().flatten(),
        Dialect::AnthropicMessages => {
            let mut reported = AnthropicUsage::default();
            reported.merge(value);
            reported.total()
        }
    });
    let answer = match dialect {
        Dialect::OpenAiChat => fields.last("choices"),
        Dialect::AnthropicMessages => fields.last("content"),
    };
    Metered {
        usage,
        complete: true,
        output_bytes_seen: answer.map_or(0, text_bytes),
        response_model: fields.last("model").and_then(json::string),
        provider_response_id: fields.last("id").and_then(json::string),
        error_seen: fields.last("error").is_some(),
    }
}

/// The `usage` object of OpenAI and of those who speak its language; `None` if it has no figures.
pub(super) fn openai(value: &RawValue) -> Result<Option<TokenUsage>, Unreadable> {
    let Some(fields) = Fields::parse(value.get()) else {
        return Err(Unreadable);
    };
    let (prompt, completion) = (
        figure(&fields, "prompt_tokens")?,
        figure(&fields, "completion_tokens")?,
    );
    let total = figure(&fields, "total_tokens")?;
    if prompt.is_none() && completion.is_none() {
        return Ok(None);
    }
    let (prompt, completion) = (prompt.unwrap_or(0), completion.unwrap_or(0));
    let details = fields.object("prompt_tokens_details");
    let cache_read = match inner(details.as_ref(), "cached_tokens")? {
        Some(cached) => cached,
        // DeepSeek's and Moonshot's places for the same figure.
        None => figure(&fields, "prompt_cache_hit_tokens")?
            .or(figure(&fields, "cached_tokens")?)
            .unwrap_or(0),
    };
    let cache_write_5m = inner(details.as_ref(), "cache_write_tokens")?.unwrap_or(0);
    let audio_input = inner(details.as_ref(), "audio_tokens")?.unwrap_or(0);
    let details = fields.object("completion_tokens_details");
    let reasoning = inner(details.as_ref(), "reasoning_tokens")?.unwrap_or(0);
    let audio_output = inner(details.as_ref(), "audio_tokens")?.unwrap_or(0);
    let generated = generated(prompt, completion, reasoning, total);
    Ok(Some(TokenUsage {
        input: prompt
            .saturating_sub(cache_read)
            .saturating_sub(cache_write_5m)
            .saturating_sub(audio_input),
        cache_read,
        cache_write_5m,
        cache_write_1h: 0,
        output: generated.saturating_sub(audio_output),
        reasoning,
        audio_input,
        audio_output,
        web_searches: 0,
    }))
}

/// All generated tokens. Some providers leave reasoning out of `completion_tokens`: then their own total is larger than
/// its parts, or the reasoning is more than the completion that should contain it.
fn generated(prompt: u64, completion: u64, reasoning: u64, total: Option<u64>) -> u64 {
    let by_total = total.map_or(0, |total| total.saturating_sub(prompt));
    let by_parts = if reasoning > completion {
        completion.saturating_add(reasoning)
    } else {
        completion
    };
    by_total.max(if total.is_some() {
        completion
    } else {
        by_parts
    })
}

/// Anthropic's figures, each the last that was reported: all of them are cumulative, none is ever added to another.
#[derive(Debug, Default)]
pub(super) struct AnthropicUsage {
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
    /// Takes the `usage` object of one event; its figures replace earlier ones, what it lacks stays.
    pub(super) fn merge(&mut self, value: &RawValue) {
        match Fields::parse(value.get())
            .ok_or(Unreadable)
            .and_then(|fields| self.read(&fields))
        {
            Ok(()) => {}
            Err(Unreadable) => self.unreadable = true,
        }
    }

    fn read(&mut self, fields: &Fields<'_>) -> Result<(), Unreadable> {
        self.last = self.last.replaced_by(AnthropicFigures::read(fields)?);
        let Some(steps) = fields.last("iterations") else {
            return Ok(());
        };
        let mut sum = AnthropicFigures::default();
        for step in json::elements(steps).ok_or(Unreadable)? {
            let step = Fields::parse(step.get()).ok_or(Unreadable)?;
            sum = sum.plus(AnthropicFigures::read(&step)?);
        }
        self.steps = Some(sum);
        Ok(())
    }

    /// The counts; `None` if nothing was reported, or something that could not be read.
    pub(super) fn total(&self) -> Option<TokenUsage> {
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
        self.zip(later, |old, new| new.or(old))
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
