//! What an answer tells, in no provider's language.

use model::chats::TurnUsage;
use serde_json::Value;

use super::lenient;

/// Something that an answer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Words that follow those before.
    Text(String),
    /// Words about how the model comes to its answer, that follow those before.
    Reasoning(String),
    /// What was used so far.
    Usage(TurnUsage),
    /// The answer has come to its end; what it used may follow.
    Finish(Finish),
    /// Nothing follows.
    Done,
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

impl Told {
    /// What the body of an error says; as much as can be read of it.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        Self::in_body(&lenient::value(body)?)
    }

    /// The error of a body, which both languages wrap in the same way. Many say that there is none by an empty one.
    pub(super) fn in_body(body: &Value) -> Option<Self> {
        let error = body.get("error")?;
        let none = match error {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(all) => all.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Bool(true) | Value::Number(_) => false,
        };
        (!none).then(|| Self::of_error(error))
    }

    fn of_error(error: &Value) -> Self {
        if let Value::String(message) = error {
            return Self {
                message: message.clone(),
                code: String::new(),
            };
        }
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let of = |pointer: &str| error.pointer(pointer).and_then(text);
        let codes = ["/details/error_code", "/code", "/type"];
        Self {
            message: of("/message").unwrap_or_default(),
            code: codes.into_iter().find_map(of).unwrap_or_default(),
        }
    }
}
