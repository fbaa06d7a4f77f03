//! The `usage` object of OpenAI's formats, and of everybody who speaks them more or less.
//!
//! OpenAI's prompt figure contains the cached and the audio tokens, its completion figure the reasoning and the audio
//! tokens. Others leave some of them out. Who does is seen by what could not be otherwise: by a part that is larger than
//! its whole, or by a total that is larger than prompt and completion by exactly what was left out.

use model::metering::TokenUsage;
use serde_json::value::RawValue;

use super::{Figure, Unreadable, figure, inner};
use crate::wire::json::Fields;

/// How a format names its figures: its own name first, then its sister's, which some translators leave standing.
#[derive(Debug)]
pub(in crate::wire) struct Names {
    prompt: [&'static str; 2],
    prompt_details: [&'static str; 2],
    completion: [&'static str; 2],
    completion_details: [&'static str; 2],
}

/// Chat completions.
pub(in crate::wire) const CHAT: Names = Names {
    prompt: ["prompt_tokens", "input_tokens"],
    prompt_details: ["prompt_tokens_details", "input_tokens_details"],
    completion: ["completion_tokens", "output_tokens"],
    completion_details: ["completion_tokens_details", "output_tokens_details"],
};

/// Responses.
pub(in crate::wire) const RESPONSES: Names = Names {
    prompt: ["input_tokens", "prompt_tokens"],
    prompt_details: ["input_tokens_details", "prompt_tokens_details"],
    completion: ["output_tokens", "completion_tokens"],
    completion_details: ["output_tokens_details", "completion_tokens_details"],
};

/// Reads a `usage` object; `None` if it does not tell both prompt and completion, nor lets one be computed.
pub(in crate::wire) fn read(
    value: &RawValue,
    names: &Names,
) -> Result<Option<TokenUsage>, Unreadable> {
    let fields = Fields::parse(value.get()).ok_or(Unreadable)?;
    Ok(Figures::read(&fields, names)?.counts())
}

/// The first that is told.
fn first(fields: &Fields<'_>, names: [&str; 2]) -> Figure {
    let [own, other] = names;
    Ok(figure(fields, own)?.or(figure(fields, other)?))
}

/// The figures as they were told.
#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    prompt: Option<u64>,
    completion: Option<u64>,
    total: Option<u64>,
    cache_read: u64,
    cache_write: u64,
    cache_write_1h: u64,
    audio_input: u64,
    reasoning: u64,
    audio_output: u64,
    web_searches: u64,
}

impl Figures {
    fn read(fields: &Fields<'_>, names: &Names) -> Result<Self, Unreadable> {
        let [own, other] = names.prompt_details.map(|name| fields.object(name));
        let details = own.or(other);
        let [own, other] = names.completion_details.map(|name| fields.object(name));
        let made = own.or(other);
        let detail = |name: &str| inner(details.as_ref(), name);
        let lifetimes = details
            .as_ref()
            .and_then(|details| details.object("cache_creation_token_details"))
            .or_else(|| fields.object("cache_creation"));
        let server = fields.object("server_tool_use");
        // One figure that several dialects of the format put in several places; a zero in one of them proves nothing.
        let largest = |places: &[Option<u64>]| places.iter().flatten().copied().max().unwrap_or(0);
        Ok(Self {
            prompt: first(fields, names.prompt)?,
            completion: first(fields, names.completion)?,
            total: figure(fields, "total_tokens")?,
            cache_read: largest(&[
                detail("cached_tokens")?,
                figure(fields, "prompt_cache_hit_tokens")?,
                figure(fields, "cached_tokens")?,
                figure(fields, "cache_read_input_tokens")?,
            ]),
            cache_write: largest(&[
                detail("cache_write_tokens")?,
                detail("cache_creation_tokens")?,
                figure(fields, "cache_creation_input_tokens")?,
            ]),
            cache_write_1h: inner(lifetimes.as_ref(), "ephemeral_1h_input_tokens")?.unwrap_or(0),
            audio_input: detail("audio_tokens")?.unwrap_or(0),
            reasoning: inner(made.as_ref(), "reasoning_tokens")?.unwrap_or(0),
            audio_output: inner(made.as_ref(), "audio_tokens")?.unwrap_or(0),
            web_searches: largest(&[
                inner(server.as_ref(), "web_search_requests")?,
                figure(fields, "num_search_queries")?,
            ]),
        })
    }

    /// Prompt and completion; of one that is missing, what the total leaves for it.
    fn both(&self) -> Option<(u64, u64)> {
        match (self.prompt, self.completion) {
            (Some(prompt), Some(completion)) => Some((prompt, completion)),
            (Some(prompt), None) => Some((prompt, self.total?.checked_sub(prompt)?)),
            (None, Some(completion)) => Some((self.total?.checked_sub(completion)?, completion)),
            (None, None) => None,
        }
    }

    fn counts(self) -> Option<TokenUsage> {
        let (prompt, completion) = self.both()?;
        // A total that is less than its parts is none.
        let excess = self
            .total
            .and_then(|total| total.checked_sub(prompt.saturating_add(completion)));
        let beside = self.cached_beside(prompt, excess.unwrap_or(0));
        let cached = self.cache_read.saturating_add(self.cache_write);
        let generated = match excess {
            Some(excess) if beside => completion.saturating_add(excess.saturating_sub(cached)),
            Some(excess) => completion.saturating_add(excess),
            None if self.reasoning > completion => completion.saturating_add(self.reasoning),
            None => completion,
        };
        // What is in two parts of the prompt (cached audio) is counted as the dearer: audio, then written, then read.
        let audio_input = self.audio_input.min(prompt);
        let rest = prompt - audio_input;
        let (cache_write, cache_read) = if beside {
            (self.cache_write, self.cache_read)
        } else {
            let written = self.cache_write.min(rest);
            (written, self.cache_read.min(rest - written))
        };
        let cache_write_1h = self.cache_write_1h.min(cache_write);
        Some(TokenUsage {
            input: if beside {
                rest
            } else {
                rest - cache_write - cache_read
            },
            cache_read,
            cache_write_5m: cache_write - cache_write_1h,
            cache_write_1h,
            output: generated.saturating_sub(self.audio_output),
            reasoning: self.reasoning.min(generated),
            audio_input,
            audio_output: self.audio_output,
            web_searches: self.web_searches,
        })
    }

    /// Whether the cached tokens are not in the prompt figure, as with those who translate from Anthropic's format.
    fn cached_beside(&self, prompt: u64, excess: u64) -> bool {
        let cached = self.cache_read.saturating_add(self.cache_write);
        let left_out = [cached, cached.saturating_add(self.reasoning)];
        cached > prompt || (cached > 0 && excess != self.reasoning && left_out.contains(&excess))
    }
}
