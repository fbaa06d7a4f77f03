//! What was read from an answer, and what it is to be charged with when the provider did not say.

use model::metering::TokenUsage;

use super::kept::MadeItems;

/// The result of reading an answer to its end, or to where it broke.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metered {
    /// The last figures that the provider reported, if it reported any.
    pub usage: Option<TokenUsage>,
    /// The answer came to its end, so that `usage` is the provider's last word.
    pub complete: bool,
    /// UTF-8 bytes of generated text (reasoning, tool calls and their arguments included) that were received.
    pub output_bytes_seen: u64,
    /// The model that the provider says it used.
    pub response_model: Option<String>,
    /// The provider's id of the answer.
    pub provider_response_id: Option<String>,
    /// The items of its output, in the format that has such.
    pub items: MadeItems,
    /// The answer is an error, or a stream broke off with an error event.
    pub error_seen: bool,
}

impl Metered {
    /// The provider's own figures, if they are final; an explicit zero is a zero.
    #[must_use]
    pub fn settled(&self) -> Option<TokenUsage> {
        self.usage.filter(|_| self.complete)
    }

    /// The charge for an answer without final figures, never below what was really received.
    ///
    /// The input side is the provider's if it was told (Anthropic tells it first), else all of `input_bound`, which the
    /// admission computed. Of the output only the text is known: a token has at least one byte, so the bytes received
    /// are an upper bound of the tokens received. `output_cap` (for all choices together) bounds the estimate, since
    /// the provider was told to stop there; a figure that the provider reported is never lowered.
    ///
    /// Reasoning that a provider charges for but does not send leaves no bytes and is not in the estimate.
    #[must_use]
    pub fn estimated(&self, input_bound: u64, output_cap: u64) -> TokenUsage {
        let told = self.usage.unwrap_or_default();
        let seen = self.output_bytes_seen.min(output_cap);
        let mut charge = TokenUsage {
            output: told.output.max(seen.saturating_sub(told.audio_output)),
            ..told
        };
        if told.total_input() == 0 {
            charge.input = input_bound;
        }
        charge
    }
}
