//! Bounds on the tokens of a request, before anybody has counted them.

use thiserror::Error;

/// What each message can add in tokens to those of its text: role, separators, the start of the answer.
const TOKENS_PER_MESSAGE: u64 = 8;

/// What is known of a request's prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InputBound {
    /// UTF-8 bytes of all fields that become part of the prompt: messages, system prompt, tools, schemas. No
    /// tokenizer makes more than one token of a byte.
    pub bytes: u64,
    /// How many messages it has.
    pub messages: u64,
    /// Whether it has parts whose tokens do not show in their bytes: an image, a file, an address, a server
    /// tool.
    pub unbounded: bool,
}

/// The prompt has parts that only a context window bounds, and the model's is not known: to be refused while
/// a limit applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the prompt has parts that cannot be counted, and the model's context window is not known")]
pub struct NotBoundable;

impl InputBound {
    /// The most tokens that the prompt can be charged: one per byte and eight per message, or the context
    /// window if that is less or if the bytes do not tell.
    ///
    /// # Errors
    /// [`NotBoundable`] when neither bounds it.
    pub fn tokens(&self, context_window: Option<u64>) -> Result<u64, NotBoundable> {
        if self.unbounded {
            return context_window.ok_or(NotBoundable);
        }
        let counted = self
            .bytes
            .saturating_add(self.messages.saturating_mul(TOKENS_PER_MESSAGE));
        Ok(context_window.map_or(counted, |window| window.min(counted)))
    }
}

/// The cap on the tokens of one choice of the answer: the client's own, else the smaller of what the model can
/// do and the deployment's default.
#[must_use]
pub fn output_cap(client_cap: Option<u64>, model_max: Option<u64>, deployment_default: u64) -> u64 {
    client_cap
        .unwrap_or_else(|| model_max.map_or(deployment_default, |max| max.min(deployment_default)))
}
