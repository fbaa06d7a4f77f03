//! The gateway's own errors in the shape of the provider that the client believes to talk to.
//!
//! The official client libraries choose their exception by the status, and Anthropic's shows the `type` as well.

use serde_json::{Value, json};

use super::Dialect;

/// What went wrong, as far as the shape of the answer depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The body cannot be read or asks for something impossible.
    BadRequest,
    /// The response that is to be continued is not known, or not the caller's.
    NoPreviousResponse,
    /// No, unknown, expired or suspended credentials.
    Unauthorized,
    /// The caller may not use this provider.
    Forbidden,
    /// No such provider, model or route.
    NotFound,
    /// The body is larger than the gateway takes.
    TooLarge,
    /// A budget does not allow it; asking again before the budget resets is useless.
    OverBudget,
    /// A limit applies and the model has no price.
    ModelUnpriced,
    /// A running request may still free the money: asking again soon may help.
    RetryLater,
    /// The provider could not be reached or broke off.
    UpstreamFailed,
    /// The provider did not answer in time.
    UpstreamTimeout,
    /// The gateway cannot decide just now, as when its database is away: nothing was forwarded.
    Unavailable,
    /// The gateway does not know at the moment which caps hold: nothing was forwarded.
    CapsUnavailable,
    /// The gateway's own fault.
    Internal,
}

impl ErrorKind {
    /// All kinds, for tables and tests.
    pub const ALL: [Self; 14] = [
        Self::BadRequest,
        Self::NoPreviousResponse,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::TooLarge,
        Self::OverBudget,
        Self::ModelUnpriced,
        Self::RetryLater,
        Self::UpstreamFailed,
        Self::UpstreamTimeout,
        Self::Unavailable,
        Self::CapsUnavailable,
        Self::Internal,
    ];

    /// The HTTP status, the same in both dialects.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest | Self::NoPreviousResponse => 400,
            Self::Unauthorized => 401,
            Self::Forbidden | Self::OverBudget | Self::ModelUnpriced => 403,
            Self::NotFound => 404,
            Self::TooLarge => 413,
            Self::RetryLater => 429,
            Self::Internal => 500,
            Self::UpstreamFailed => 502,
            Self::Unavailable | Self::CapsUnavailable => 503,
            Self::UpstreamTimeout => 504,
        }
    }

    /// What to say in the header `x-should-retry`, which both official libraries obey; `None`: leave it to them.
    #[must_use]
    pub const fn should_retry(self) -> Option<bool> {
        match self {
            Self::OverBudget | Self::ModelUnpriced => Some(false),
            Self::RetryLater | Self::Unavailable | Self::CapsUnavailable => Some(true),
            Self::BadRequest
            | Self::NoPreviousResponse
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::TooLarge
            | Self::UpstreamFailed
            | Self::UpstreamTimeout
            | Self::Internal => None,
        }
    }

    /// OpenAI's `type` and `code`.
    const fn openai(self) -> (&'static str, &'static str) {
        match self {
            Self::BadRequest => ("invalid_request_error", "invalid_request"),
            // As the provider itself says it.
            Self::NoPreviousResponse => ("invalid_request_error", "previous_response_not_found"),
            Self::Unauthorized => ("invalid_request_error", "invalid_api_key"),
            Self::Forbidden => ("invalid_request_error", "permission_denied"),
            Self::NotFound => ("invalid_request_error", "not_found"),
            Self::TooLarge => ("invalid_request_error", "request_too_large"),
            Self::OverBudget => ("insufficient_quota", "insufficient_quota"),
            Self::ModelUnpriced => ("invalid_request_error", "model_not_priced"),
            Self::RetryLater => ("rate_limit_error", "rate_limit_exceeded"),
            Self::UpstreamFailed => ("server_error", "upstream_error"),
            Self::UpstreamTimeout => ("server_error", "upstream_timeout"),
            Self::Unavailable => ("server_error", "unavailable"),
            Self::CapsUnavailable => ("server_error", "caps_unavailable"),
            Self::Internal => ("server_error", "internal_error"),
        }
    }

    /// The field that OpenAI's `param` names.
    const fn param(self) -> Option<&'static str> {
        match self {
            Self::NoPreviousResponse => Some("previous_response_id"),
            Self::BadRequest
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::TooLarge
            | Self::OverBudget
            | Self::ModelUnpriced
            | Self::RetryLater
            | Self::UpstreamFailed
            | Self::UpstreamTimeout
            | Self::Unavailable
            | Self::CapsUnavailable
            | Self::Internal => None,
        }
    }

    /// Anthropic's `type`, and its `details.error_code` where a program needs to tell those of one status apart.
    const fn anthropic(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::BadRequest | Self::NoPreviousResponse => ("invalid_request_error", None),
            Self::Unauthorized => ("authentication_error", None),
            Self::Forbidden => ("permission_error", None),
            Self::NotFound => ("not_found_error", None),
            Self::TooLarge => ("request_too_large", None),
            Self::OverBudget => ("permission_error", Some("enforced_spend_limit_reached")),
            Self::ModelUnpriced => ("permission_error", Some("model_not_priced")),
            Self::RetryLater => ("rate_limit_error", None),
            Self::UpstreamFailed | Self::Internal => ("api_error", None),
            Self::UpstreamTimeout => ("timeout_error", None),
            Self::Unavailable => ("overloaded_error", None),
            Self::CapsUnavailable => ("overloaded_error", Some("caps_unavailable")),
        }
    }
}

/// Status and body of an error. `request_id` goes into Anthropic's envelope, which has a place for it.
#[must_use]
pub fn error_body(
    dialect: Dialect,
    kind: ErrorKind,
    message: &str,
    request_id: Option<&str>,
) -> (u16, Value) {
    let body = match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            let (param, (kind, code)) = (kind.param(), kind.openai());
            json!({ "error": { "message": message, "type": kind, "param": param, "code": code } })
        }
        Dialect::AnthropicMessages => {
            let (kind, code) = kind.anthropic();
            let mut error = json!({ "type": kind, "message": message });
            if let (Some(code), Some(error)) = (code, error.as_object_mut()) {
                error.insert("details".to_owned(), json!({ "error_code": code }));
            }
            json!({ "type": "error", "error": error, "request_id": request_id })
        }
    };
    (kind.status(), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_budget_is_told_in_each_dialect() {
        let (status, body) = error_body(
            Dialect::OpenAiChat,
            ErrorKind::OverBudget,
            "limit",
            Some("r1"),
        );
        assert_eq!(status, 403);
        assert_eq!(
            body,
            json!({ "error": {
                "message": "limit", "type": "insufficient_quota", "param": null, "code": "insufficient_quota",
            } }),
        );
        let (status, body) = error_body(
            Dialect::AnthropicMessages,
            ErrorKind::OverBudget,
            "limit",
            Some("r1"),
        );
        assert_eq!(status, 403);
        assert_eq!(
            body,
            json!({ "type": "error", "request_id": "r1", "error": {
                "type": "permission_error", "message": "limit",
                "details": { "error_code": "enforced_spend_limit_reached" },
            } }),
        );
    }

    #[test]
    fn every_kind_has_both_shapes() {
        for kind in ErrorKind::ALL {
            let (status, openai) = error_body(Dialect::OpenAiChat, kind, "text", None);
            let (same, anthropic) = error_body(Dialect::AnthropicMessages, kind, "text", None);
            assert_eq!(status, same, "{kind:?}");
            assert!((400..600).contains(&status), "{kind:?}");
            for (body, path) in [(&openai, "/error/message"), (&anthropic, "/error/message")] {
                assert_eq!(body.pointer(path), Some(&json!("text")), "{kind:?}");
            }
            assert_eq!(
                anthropic.pointer("/type"),
                Some(&json!("error")),
                "{kind:?}"
            );
        }
    }
}
