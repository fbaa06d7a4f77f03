//! The facts of a request, and why one is refused.

use model::admission::InputBound;
use thiserror::Error;

use super::kept::{Named, Storage};

/// Arrays and objects nested deeper than this are refused.
pub(super) const MAX_DEPTH: usize = 100;

/// A charge beside tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fee {
    /// Searches that the provider makes: priced per call.
    WebSearch {
        /// The client's own bound on their number; `None` if there is none.
        max_uses: Option<u64>,
    },
    /// A tool, tier or option whose price cannot be bounded: to be refused while a limit applies.
    Other {
        /// What it is, in words for the client.
        what: String,
    },
}

/// What decides the worst case of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    /// The model, as the client named it.
    pub model: String,
    /// The answer is to be streamed.
    pub stream: bool,
    /// The client's own bound on output tokens, per choice; the larger one if it gave both fields.
    pub client_cap: Option<u64>,
    /// How many answers are generated (`n`, or `best_of` if that is more); at least 1.
    pub choices: u64,
    /// UTF-8 bytes of all prompt-bearing and all unknown fields.
    pub prompt_bytes: u64,
    /// Number of messages.
    pub messages: u64,
    /// Tokens that the provider adds to the prompt by itself.
    pub hidden_tokens: u64,
    /// Bytes of a predicted output: what of it is wrong is charged as output, beside the cap.
    pub prediction_bytes: u64,
    /// Something is in the input whose tokens cannot be counted: the context window is the bound.
    pub unbounded_input: bool,
    /// Charges beside tokens.
    pub fees: Vec<Fee>,
    /// How often the provider may read the prompt anew to answer once: 1, and 1 more for each call of a tool of its
    /// own, whose result becomes input.
    pub rounds: u64,
    /// The thinking budget that the client set; a cap must stay above it.
    pub thinking_budget: Option<u64>,
    /// The client asked for the usage of a stream.
    pub wants_usage: bool,
    /// The service tier that the client asked for.
    pub service_tier: Option<String>,
    /// What it names that the provider keeps.
    pub named: Named,
    /// Whether the provider keeps the answer.
    pub storage: Storage,
}

impl RequestFacts {
    /// What the model's admission rules need of the input.
    #[must_use]
    pub const fn input_bound(&self) -> InputBound {
        InputBound {
            bytes: self.prompt_bytes.saturating_add(self.hidden_tokens),
            messages: self.messages,
            unbounded: self.unbounded_input,
        }
    }
}

/// Why a request's body is refused; the text is for the client, the status is 400.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Not UTF-8 or not JSON.
    #[error("the request body is not valid JSON")]
    NotJson,
    /// JSON, but no object.
    #[error("the request body must be a JSON object")]
    NotAnObject,
    /// Nested beyond reason.
    #[error("the request body is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// Without a field that the gateway needs.
    #[error("`{0}` is required")]
    Missing(&'static str),
    /// The same field twice.
    #[error("`{0}` is given more than once")]
    Duplicate(String),
    /// A known field in another spelling, which some providers would read and others not.
    #[error("unknown field `{given}`: did you mean `{meant}`?")]
    Misspelt {
        /// The client's spelling.
        given: String,
        /// The field's name.
        meant: String,
    },
    /// Something that costs in a way which the provider's answer does not tell.
    #[error("{what} cannot be metered here: {why}")]
    NotMetered {
        /// The field or tool, in words for the client.
        what: String,
        /// The reason, and what to do instead.
        why: &'static str,
    },
    /// Something that the provider offers and the gateway does not.
    #[error("{what} is not offered here: {instead}")]
    NotOffered {
        /// The field, in words for the client.
        what: String,
        /// The reason, and what to do instead.
        instead: &'static str,
    },
    /// A value that is not of the field's type or range.
    #[error("`{field}` must be {expected}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}
