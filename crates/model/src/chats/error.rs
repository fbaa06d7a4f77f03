//! Why a turn ended in an error: stored with the chat, and shown to its owner and its readers.

use serde::{Deserialize, Serialize};

/// Why a turn ended in an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatError {
    /// What happened, for people.
    pub message: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What kind of error it is.
    pub kind: ChatErrorKind,
    /// The provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Whether the same may succeed later.
    pub retryable: bool,
    /// The status that the provider or the gateway answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
}

/// What kind of error ended a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatErrorKind {
    /// None of the others.
    Generic,
    /// The provider is overloaded.
    Overloaded,
    /// The provider takes no more requests for now.
    RateLimit,
    /// No answer came in time.
    Timeout,
    /// The answer began and went silent.
    StreamSilenceTimeout,
    /// The provider did not accept this deployment's key.
    Auth,
    /// The model or the provider is not set up.
    Config,
    /// A budget or a cap of the owner is in the way: the message has the numbers and when it resets.
    UsageLimit,
    /// The provider did not answer what was asked.
    ContentFilter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_kept_by_the_names_of_their_kinds() {
        use ChatErrorKind::{
            Auth, Config, ContentFilter, Generic, Overloaded, RateLimit, StreamSilenceTimeout,
            Timeout, UsageLimit,
        };
        for (kind, name) in [
            (Generic, "generic"),
            (Overloaded, "overloaded"),
            (RateLimit, "rate_limit"),
            (Timeout, "timeout"),
            (StreamSilenceTimeout, "stream_silence_timeout"),
            (Auth, "auth"),
            (Config, "config"),
            (UsageLimit, "usage_limit"),
            (ContentFilter, "content_filter"),
        ] {
            let error = ChatError {
                message: "x".to_owned(),
                detail: None,
                kind,
                provider: None,
                retryable: false,
                status_code: None,
            };
            let stored = serde_json::to_value(&error).unwrap();
            let expected = serde_json::json!({"message": "x", "kind": name, "retryable": false});
            assert_eq!(stored, expected);
            let read: ChatError = serde_json::from_value(stored).unwrap();
            assert_eq!(read, error);
        }
    }
}
