//! The gateway's own answers, in the shape of the provider that the client believes to talk to.

mod standing;

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use model::caps::CapScope;
use store::StoreError;

pub(crate) use self::standing::Standing;
use crate::{
    access::Denial,
    settle::source_text,
    wire::{Dialect, ErrorKind, error_body},
};

/// Tells official client libraries whether trying again makes sense.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Seconds after which a request whose turn did not come may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// Seconds after which a request may try again that found no caps: they are read every few seconds.
const RETRY_CAPS_AFTER: HeaderValue = HeaderValue::from_static("5");

/// An error in the provider's shape. `request_id` is for the envelope that has a place for it.
pub(crate) fn error(
    dialect: Dialect,
    kind: ErrorKind,
    message: &str,
    request_id: Option<uuid::Uuid>,
) -> Response {
    let request_id = request_id.map(|id| id.to_string());
    let (status, body) = error_body(dialect, kind, message, request_id.as_deref());
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(retry) = kind.should_retry() {
        let value = HeaderValue::from_static(if retry { "true" } else { "false" });
        headers.insert(SHOULD_RETRY, value);
    }
    let after = match kind {
        ErrorKind::RetryLater | ErrorKind::Unavailable => Some(RETRY_AFTER),
        ErrorKind::CapsUnavailable => Some(RETRY_CAPS_AFTER),
        _ => None,
    };
    if let Some(after) = after {
        headers.insert(header::RETRY_AFTER, after);
    }
    response
}

/// It is not known which caps a subscription has.
pub(crate) fn caps_unknown(scope: CapScope) -> String {
    let of = match scope {
        CapScope::Instance => "this deployment",
        CapScope::Organization(_) => "your organization",
    };
    format!(
        "The budget caps of {of} could not be read for too long, so it is not known what may be spent. Try again in a \
         moment."
    )
}

/// The house failed: logged with its cause, told without it. An absent database is told apart, since it will
/// be back.
pub(crate) fn internal(
    dialect: Dialect,
    cause: &(dyn std::error::Error + 'static),
    request_id: Option<uuid::Uuid>,
) -> Response {
    let error_text = source_text(cause);
    if let Some(StoreError::Unavailable(_)) = cause.downcast_ref() {
        tracing::warn!(error = error_text, "a request found the database away");
        let text = "the database is not available at the moment; try again soon";
        return error(dialect, ErrorKind::Unavailable, text, request_id);
    }
    tracing::error!(error = error_text, "a request through the gateway failed");
    let text = "the request failed because of an internal error; try again";
    error(dialect, ErrorKind::Internal, text, request_id)
}

/// The answer to a caller who is not let in.
pub(crate) fn denied(dialect: Dialect, denial: &Denial) -> Response {
    match denial {
        Denial::Failed(cause) => internal(dialect, cause, None),
        refused => error(dialect, kind_of(refused), &refused.to_string(), None),
    }
}

/// The answer to a caller whose access ended before the answer began.
pub(crate) fn ended(dialect: Dialect, denial: &Denial, request_id: Option<uuid::Uuid>) -> Response {
    let (kind, text) = ended_words(denial);
    error(dialect, kind, &text, request_id)
}

/// What a caller is told whose access ended meanwhile.
pub(crate) fn ended_words(denial: &Denial) -> (ErrorKind, String) {
    (kind_of(denial), format!("Your access has ended: {denial}"))
}

const fn kind_of(denial: &Denial) -> ErrorKind {
    match denial {
        Denial::Unauthorized(_) => ErrorKind::Unauthorized,
        Denial::Forbidden => ErrorKind::Forbidden,
        Denial::NoProvider => ErrorKind::NotFound,
        Denial::Failed(_) => ErrorKind::Internal,
    }
}

/// Which dialect a client speaks whose provider is not known: by the path, and where that leaves it open, by
/// the header that every Anthropic client sends.
pub(crate) fn guess_dialect(path: &str, headers: &HeaderMap) -> Dialect {
    let anthropic = path.starts_with("v1/messages")
        || (!path.starts_with("v1/chat/")
            && path != "v1/responses"
            && headers.contains_key("anthropic-version"));
    if anthropic {
        Dialect::AnthropicMessages
    } else {
        Dialect::OpenAiChat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_is_guessed_from_path_and_header() {
        let check = |path: &str, versioned: bool, expected| {
            let mut headers = HeaderMap::new();
            if versioned {
                headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
            }
            assert_eq!(guess_dialect(path, &headers), expected, "{path}");
        };
        check("v1/chat/completions", false, Dialect::OpenAiChat);
        check("v1/chat/completions", true, Dialect::OpenAiChat);
        check("v1/responses", true, Dialect::OpenAiChat);
        check("v1/messages", false, Dialect::AnthropicMessages);
        check(
            "v1/messages/count_tokens",
            false,
            Dialect::AnthropicMessages,
        );
        check("v1/models", true, Dialect::AnthropicMessages);
        check("v1/models", false, Dialect::OpenAiChat);
    }

    #[test]
    fn retry_headers_follow_the_kind() {
        let check = |kind, retry: Option<&str>, after: bool| {
            let answer = error(Dialect::OpenAiChat, kind, "text", None);
            let found = answer
                .headers()
                .get(SHOULD_RETRY)
                .map(|value| value.to_str().unwrap());
            assert_eq!(found, retry);
            assert_eq!(answer.headers().contains_key(header::RETRY_AFTER), after);
        };
        check(ErrorKind::OverBudget, Some("false"), false);
        check(ErrorKind::RetryLater, Some("true"), true);
        check(ErrorKind::Internal, None, false);
        check(ErrorKind::Unavailable, Some("true"), true);
        check(ErrorKind::CapsUnavailable, Some("true"), true);
    }

    #[test]
    fn an_absent_database_is_no_internal_error() {
        let check = |cause: StoreError, status: u16| {
            let answer = internal(Dialect::OpenAiChat, &cause, None);
            assert_eq!(answer.status().as_u16(), status, "{cause:?}");
        };
        check(StoreError::Unavailable("gone".into()), 503);
        check(StoreError::Internal("a bug".into()), 500);
    }
}
