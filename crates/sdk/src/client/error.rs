//! What can go wrong with a call.

use std::time::Duration;

use chrono::DateTime;
use reqwest::{
    Response, StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};

use crate::{AiBudgetRefusal, ErrorBody, ValidationError};

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no http or https address.
    #[error("`{0}` is no http or https address")]
    Address(String),
    /// The text cannot be a part of a path.
    #[error("`{0}` cannot be a part of a path")]
    Segment(String),
    /// The server could not be reached, or the connection broke.
    #[error("the server could not be reached")]
    Transport(#[source] reqwest::Error),
    /// The answer is not what this version of the client knows.
    #[error("the answer could not be read")]
    Answer(#[source] serde_json::Error),
    /// The server refused.
    #[error(transparent)]
    Api(Box<ApiError>),
}

impl Error {
    /// The server's refusal, if it is one.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            Self::Address(_) | Self::Segment(_) | Self::Transport(_) | Self::Answer(_) => None,
        }
    }

    /// The status of the server's refusal, if it is one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.api().map(|error| error.status)
    }
}

/// The server's refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server answered {status}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// One sentence that a person can act on.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What is wrong with single fields of the request.
    pub validations: Vec<ValidationError>,
    /// Of a refusal for want of budget: the figures.
    pub budget: Option<Box<AiBudgetRefusal>>,
    /// The request's id in the server's log and audit log.
    pub request_id: Option<String>,
    /// How long to wait before it is worth trying again, where the server says so.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) async fn read(response: Response) -> Self {
        let status = response.status();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap_or_default();
        Self::parse(status, &headers, &text)
    }

    fn parse(status: StatusCode, headers: &HeaderMap, text: &str) -> Self {
        let request_id = headers.get("x-request-id");
        let request_id = request_id
            .and_then(|id| id.to_str().ok())
            .map(ToOwned::to_owned);
        // Something between the client and the server may answer in another shape.
        let body = serde_json::from_str(text).unwrap_or_else(|_| ErrorBody {
            message: status
                .canonical_reason()
                .unwrap_or("unknown status")
                .to_owned(),
            detail: Some(text.chars().take(500).collect()).filter(|text: &String| !text.is_empty()),
            validations: Vec::new(),
            budget: None,
        });
        Self {
            status,
            message: body.message,
            detail: body.detail,
            validations: body.validations,
            budget: body.budget,
            request_id,
            retry_after: retry_after(headers),
        }
    }
}

/// What `Retry-After` says: a number of seconds, or a time, which is held against the answer's own `Date`. A time that
/// is past already is no wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let now = time(headers.get(DATE)?.to_str().ok()?)?;
    let wait = time(text)?.signed_duration_since(now);
    Some(wait.to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_whatever_its_shape() {
        let check = |text: &str, message: &str, detail: Option<&str>, validations: usize| {
            let error = ApiError::parse(StatusCode::BAD_REQUEST, &HeaderMap::new(), text);
            assert_eq!((error.request_id, error.retry_after), (None, None));
            assert_eq!(error.message, message, "{text}");
            assert_eq!(error.detail.as_deref(), detail, "{text}");
            assert_eq!(error.validations.len(), validations, "{text}");
        };
        check(r#"{"message": "No."}"#, "No.", None, 0);
        check(
            r#"{"message": "No.", "detail": "d", "validations": [{"field": "a", "detail": "b"}]}"#,
            "No.",
            Some("d"),
            1,
        );
        check("<html>", "Bad Request", Some("<html>"), 0);
        check("", "Bad Request", None, 0);
    }

    #[test]
    fn how_long_to_wait_is_a_number_or_a_time() {
        let at = |second: u32| format!("Wed, 21 Oct 2026 07:28:{second:02} GMT");
        let check = |after: &str, date: Option<&str>, expected: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            let error = ApiError::parse(StatusCode::TOO_MANY_REQUESTS, &headers, "");
            let expected = expected.map(Duration::from_secs);
            assert_eq!(error.retry_after, expected, "{after} {date:?}");
        };
        check("30", None, Some(30));
        check(" 0 ", None, Some(0));
        check(&at(40), Some(&at(10)), Some(30));
        check(&at(10), Some(&at(40)), Some(0));
        check(&at(40), None, None);
        check("soon", Some(&at(10)), None);
        check("-1", None, None);
        check("", None, None);
    }
}
