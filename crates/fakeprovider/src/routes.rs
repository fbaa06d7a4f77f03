//! The routes, and what is the same on all of them: the log, the key, the scripted refusal.

use std::sync::Arc;

use axum::Router;
use axum::body::{self, Body};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;

use crate::deliver;
use crate::plan::{Plan, Problem};
use crate::record::Ticket;
use crate::script::{Fault, Script};
use crate::server::Shared;
use crate::{anthropic, openai, responses};

/// The largest body that is read.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// The ways to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    OpenAi,
    Responses,
    Anthropic,
}

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat_completions))
        .route("/v1/responses", post(create_response))
        .route("/v1/messages", post(messages))
        .route("/v1/messages/count_tokens", post(count_tokens))
        .route("/v1/models", get(models))
        .fallback(unknown)
        .with_state(shared)
}

/// A request that was logged and let in.
struct Visit {
    headers: HeaderMap,
    body: body::Bytes,
    script: Script,
    ticket: Ticket,
}

impl Visit {
    /// Logs the request and checks its key; the error is the answer to give.
    async fn enter(
        shared: &Shared,
        request: Request,
        shape: Option<Shape>,
    ) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let read = body::to_bytes(body, MAX_BODY_BYTES).await;
        let mut ticket = shared
            .log
            .add(&parts, read.as_ref().cloned().unwrap_or_default());
        let shape = shape.unwrap_or_else(|| shape_of(&parts.headers));
        let script = shared.script().clone();
        let Ok(body) = read else {
            ticket.finish();
            return Err(refusal(
                shape,
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body cannot be read",
            ));
        };
        if !brings_key(&parts.headers, &script.api_key) {
            ticket.finish();
            return Err(refusal(
                shape,
                StatusCode::UNAUTHORIZED,
                "incorrect API key provided",
            ));
        }
        Ok(Self {
            headers: parts.headers,
            body,
            script,
            ticket,
        })
    }
}

fn brings_key(headers: &HeaderMap, key: &str) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    bearer.or(text(HeaderName::from_static("x-api-key"))) == Some(key)
}

fn shape_of(headers: &HeaderMap) -> Shape {
    if headers.contains_key("anthropic-version") {
        Shape::Anthropic
    } else {
        Shape::OpenAi
    }
}

async fn chat_completions(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    generate(&shared, request, Shape::OpenAi).await
}

async fn create_response(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    generate(&shared, request, Shape::Responses).await
}

async fn messages(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    generate(&shared, request, Shape::Anthropic).await
}

async fn generate(shared: &Shared, request: Request, shape: Shape) -> Response {
    let visit = match Visit::enter(shared, request, Some(shape)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let Visit {
        body,
        script,
        mut ticket,
        ..
    } = visit;
    deliver::first_byte(&script).await;
    if let Fault::Status {
        status,
        retry_after,
    } = script.fault
    {
        ticket.finish();
        return scripted_refusal(shape, status, retry_after);
    }
    let plan = match Plan::make(shape, &body, &script, ticket.number()) {
        Ok(plan) => plan,
        Err(Problem(message)) => {
            ticket.finish();
            return refusal(shape, StatusCode::BAD_REQUEST, message);
        }
    };
    let answer = match (shape, plan.stream) {
        (Shape::OpenAi, true) => deliver::stream(
            openai::events(&plan),
            openai::error_event(),
            &script,
            ticket,
        ),
        (Shape::OpenAi, false) => deliver::plain(&openai::completion(&plan), &script, ticket),
        (Shape::Responses, true) => deliver::stream(
            responses::events(&plan),
            responses::error_event(),
            &script,
            ticket,
        ),
        (Shape::Responses, false) => deliver::plain(&responses::response(&plan), &script, ticket),
        (Shape::Anthropic, true) => deliver::stream(
            anthropic::events(&plan),
            anthropic::error_event(),
            &script,
            ticket,
        ),
        (Shape::Anthropic, false) => deliver::plain(&anthropic::message(&plan), &script, ticket),
    };
    with_request_id(answer, &plan.id)
}

async fn count_tokens(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let visit = match Visit::enter(&shared, request, Some(Shape::Anthropic)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let Visit {
        body,
        script,
        mut ticket,
        ..
    } = visit;
    ticket.finish();
    match Plan::count_prompt(&body, &script) {
        Ok(tokens) => json(
            StatusCode::OK,
            &serde_json::json!({ "input_tokens": tokens }),
        ),
        Err(Problem(message)) => refusal(Shape::Anthropic, StatusCode::BAD_REQUEST, message),
    }
}

async fn models(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let mut visit = match Visit::enter(&shared, request, None).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    visit.ticket.finish();
    let list = match shape_of(&visit.headers) {
        Shape::OpenAi | Shape::Responses => openai::models(&visit.script.models),
        Shape::Anthropic => anthropic::models(&visit.script.models),
    };
    json(StatusCode::OK, &list)
}

async fn unknown(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match Visit::enter(&shared, request, None).await {
        Ok(mut visit) => {
            visit.ticket.finish();
            refusal(
                shape_of(&visit.headers),
                StatusCode::NOT_FOUND,
                "no such route",
            )
        }
        Err(answer) => answer,
    }
}

fn scripted_refusal(shape: Shape, status: u16, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = refusal(shape, status, "this failure is scripted");
    if let Some(seconds) = retry_after {
        answer
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn refusal(shape: Shape, status: StatusCode, message: &str) -> Response {
    let body = match shape {
        Shape::OpenAi | Shape::Responses => openai::error(status.as_u16(), message),
        Shape::Anthropic => anthropic::error(status.as_u16(), message),
    };
    json(status, &body)
}

fn json(status: StatusCode, body: &Value) -> Response {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// Both providers name the request in a header, each in its own.
fn with_request_id(mut answer: Response, id: &str) -> Response {
    if let Ok(id) = HeaderValue::from_str(&format!("req-{id}")) {
        answer.headers_mut().insert("x-request-id", id.clone());
        answer.headers_mut().insert("request-id", id);
    }
    answer
}
