//! What can go wrong with a call.

use reqwest::{Response, StatusCode};

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
}

impl ApiError {
    pub(super) async fn read(response: Response) -> Self {
        let status = response.status();
        let request_id = response.headers().get("x-request-id");
        let request_id = request_id
            .and_then(|id| id.to_str().ok())
            .map(ToOwned::to_owned);
        let text = response.text().await.unwrap_or_default();
        Self::parse(status, &text, request_id)
    }

    fn parse(status: StatusCode, text: &str, request_id: Option<String>) -> Self {
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_whatever_its_shape() {
        let check = |text: &str, message: &str, detail: Option<&str>, validations: usize| {
            let error = ApiError::parse(StatusCode::BAD_REQUEST, text, None);
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
}
