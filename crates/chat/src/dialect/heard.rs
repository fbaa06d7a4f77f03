//! What an answer tells, in no provider's language.

use model::chats::TurnUsage;
use serde::Deserialize;
use serde_json::Value;

/// Something that an answer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Words that follow those before.
    Text(String),
    /// Words about how the model comes to its answer, that follow those before.
    Reasoning(String),
    /// What was used so far.
    Usage(TurnUsage),
    /// The answer has come to its end.
    Finish(Finish),
    /// The answer ends in an error.
    Error(Told),
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// As the model wanted it, or at a bound.
    End,
    /// The provider does not answer what was asked.
    ContentFilter,
}

/// What an error says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// What happened, for people.
    pub(crate) message: String,
    /// What kind of error it is, in the provider's words: its code, or else its type.
    pub(crate) code: String,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: Value,
}

#[derive(Default, Deserialize)]
struct ErrorJson {
    #[serde(default)]
    message: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    code: Option<Value>,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    error_code: Option<String>,
}

impl Told {
    /// What the body of an error says, which both languages wrap in the same way; as much as can be read of it.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let body: ErrorBody = serde_json::from_slice(body).ok()?;
        (!body.error.is_null()).then(|| Self::of_error(body.error))
    }

    fn of_error(error: Value) -> Self {
        if let Value::String(message) = error {
            return Self {
                message,
                code: String::new(),
            };
        }
        let error: ErrorJson = serde_json::from_value(error).unwrap_or_default();
        let code = error.code.and_then(|code| match code {
            Value::String(code) => Some(code),
            Value::Number(code) => Some(code.to_string()),
            _ => None,
        });
        let details = error.details.and_then(|details| details.error_code);
        Self {
            message: error.message.unwrap_or_default(),
            code: details.or(code).or(error.kind).unwrap_or_default(),
        }
    }
}
