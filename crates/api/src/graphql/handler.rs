//! The endpoint: who asks, what they ask, and the answers.

use std::{sync::Arc, time::Duration};

use async_graphql::Response as Answer;
use auth::{AuthError, Caller};
use axum::{
    Json,
    body::Body,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    body,
    request::{Batch, Rejection, of_body, of_query},
    schema::{Transport, execute},
    viewer::Viewer,
};
use crate::{ApiState, error::chain};

/// The longest that a request may take, in seconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The header that existing clients put a token in, and the parameter.
const PRIVATE_TOKEN: (&str, &str) = ("private-token", "private_token");

/// The headers that are looked at first.
const SESSION_TOKEN: &str = "bursar-session-token";
const OTHER_TOKENS: [&str; 3] = [SESSION_TOKEN, "coder-session-token", "authorization"];

/// Answers `GET` and `POST` of GraphQL.
pub(super) async fn graphql(State(state): State<ApiState>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    take_private_token(&mut parts);
    let caller = match Caller::from_request_parts(&mut parts, &state).await {
        Ok(caller) => Some(caller),
        Err(AuthError::Missing) => None,
        Err(error) => return refused(&error).into_response(),
    };
    let viewer = Arc::new(Viewer::new(state, caller));
    let answering = answer(&viewer, &parts, body);
    let outcome = match tokio::time::timeout(TIMEOUT, Box::pin(answering)).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Err(Rejection::new(status, "The request took too long"))
        }
    };
    viewer.record_refused().await;
    outcome.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(viewer: &Arc<Viewer>, parts: &Parts, body: Body) -> Result<Response, Rejection> {
    let (batch, transport) = if parts.method == Method::POST {
        let bytes = body::read(&parts.headers, body).await?;
        (of_body(&bytes)?, Transport::Post)
    } else {
        let query = parts.uri.query().unwrap_or_default();
        (of_query(query)?, Transport::Get)
    };
    let mut headers = HeaderMap::new();
    let body = match batch {
        Batch::One(asked) => {
            let answer = execute(viewer, *asked, transport).await?;
            told(answer, &mut headers)?
        }
        Batch::Many(all) => {
            let mut answers = Vec::with_capacity(all.len());
            // One after the other, as if each had come by itself.
            for asked in all {
                let answer = execute(viewer, asked, transport).await?;
                answers.push(told(answer, &mut headers)?);
            }
            Value::Array(answers)
        }
    };
    Ok((headers, Json(body)).into_response())
}

/// An answer as it is sent: without data when nothing was executed.
fn told(mut answer: Answer, headers: &mut HeaderMap) -> Result<Value, Rejection> {
    let waits = answer.errors.iter().filter_map(|error| {
        let extensions = error.extensions.as_ref()?;
        match extensions.get("retryAfter")? {
            async_graphql::Value::Number(seconds) => seconds.as_u64(),
            _ => None,
        }
    });
    if let Some(wait) = waits.max() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    answer.extensions.clear();
    let nothing = answer.data == async_graphql::Value::Null && !answer.errors.is_empty();
    let mut value = serde_json::to_value(&answer).map_err(|error| {
        tracing::error!(error = %chain(&error), "an answer could not be written");
        Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
    })?;
    if let Value::Object(fields) = &mut value
        && nothing
    {
        fields.remove("data");
    }
    Ok(value)
}

/// Puts a token that came the way of existing clients where the extractor looks for it, unless another came.
fn take_private_token(parts: &mut Parts) {
    let (header, parameter) = PRIVATE_TOKEN;
    if OTHER_TOKENS
        .iter()
        .any(|name| parts.headers.contains_key(*name))
    {
        return;
    }
    let by_header = parts.headers.get(header).cloned();
    let token = by_header.or_else(|| {
        let query = parts.uri.query().unwrap_or_default();
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let (_, token) = pairs.find(|(name, _)| name == parameter)?;
        // What can be no header is no token: refused like any other wrong one.
        let wrong = HeaderValue::from_static("-");
        Some(HeaderValue::from_str(&token).unwrap_or(wrong))
    });
    if let Some(token) = token {
        parts.headers.insert(SESSION_TOKEN, token);
    }
}

fn refused(error: &AuthError) -> Rejection {
    match error {
        AuthError::Missing | AuthError::Invalid | AuthError::Expired => {
            Rejection::new(StatusCode::UNAUTHORIZED, "Invalid token")
        }
        AuthError::Suspended => {
            Rejection::new(StatusCode::FORBIDDEN, "API not accessible for user")
        }
        AuthError::NotMember | AuthError::CrossOrigin | AuthError::ForeignOrigin => {
            Rejection::new(error.status(), error.message())
        }
        AuthError::Store(_) => {
            tracing::error!(error = %chain(error), "a key could not be looked up");
            Rejection::new(error.status(), "Internal server error")
        }
    }
}
