//! The gateway's addresses: `/api/v2/ai-gateway/{provider}/…`, and the same under `/api/v2/aibridge`.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    response::Response,
    routing::any,
};
use bytes::Bytes;
use http::{Method, header, request::Parts};
use model::prices::{ModelPrice, ProviderKind};
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::{
    Gateway,
    access::Entry,
    pass::{self, Free},
    pipeline::{self, Job},
    presence, refusals,
    stored_responses::{self, Unfit},
    telemetry::{self, Outcome},
    upstream::Endpoint,
    wire::{Dialect, ErrorKind, RequestFacts, parse_request},
};

/// The gateway's routes, to be merged into the server's router. They bring their own authentication.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/api/v2/ai-gateway/{provider}/{*path}", any(handle))
        .route("/api/v2/aibridge/{provider}/{*path}", any(handle))
        .with_state(gateway)
}

/// Which endpoint a path is for this type of provider.
fn endpoint(kind: ProviderKind, method: &Method, path: &str) -> Option<Endpoint> {
    match (kind, method.as_str(), path) {
        (ProviderKind::OpenAi | ProviderKind::OpenAiCompatible, "POST", "v1/chat/completions") => {
            Some(Endpoint::ChatCompletions)
        }
        (ProviderKind::OpenAi | ProviderKind::OpenAiCompatible, "POST", "v1/responses") => {
            Some(Endpoint::Responses)
        }
        (ProviderKind::Anthropic, "POST", "v1/messages") => Some(Endpoint::Messages),
        (ProviderKind::Anthropic, "POST", "v1/messages/count_tokens") => {
            Some(Endpoint::CountTokens)
        }
        (_, "GET", "v1/models") => Some(Endpoint::Models),
        _ => None,
    }
}

async fn handle(
    State(gateway): State<Gateway>,
    Path((provider, path)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let inner = &gateway.inner;
    let entry = match inner
        .access
        .enter(&parts.headers, &parts.extensions, &provider)
        .await
    {
        Ok(entry) => entry,
        Err(denial) => {
            return refusals::denied(refusals::guess_dialect(&path, &parts.headers), &denial);
        }
    };
    let kind = entry.provider.kind;
    let Some(endpoint) = endpoint(kind, &parts.method, &path) else {
        let text = format!(
            "`{} /{path}` is not offered for this provider",
            parts.method
        );
        return refusals::error(
            Dialect::of(kind),
            ErrorKind::NotFound,
            &text,
            entry.request_id,
        );
    };
    let presence = Arc::clone(&entry.presence);
    let words = (endpoint.dialect(kind), entry.request_id);
    let answering = answer(&gateway, entry, endpoint, parts, body);
    Box::pin(presence::guarded(presence, words, answering)).await
}

/// Reads the request and answers it.
pub(crate) async fn answer(
    gateway: &Gateway,
    entry: Entry,
    endpoint: Endpoint,
    parts: Parts,
    body: Body,
) -> Response {
    let dialect = endpoint.dialect(entry.provider.kind);
    let body = match read(gateway, &parts, body).await {
        Ok(body) => body,
        Err(Unreadable(kind, text)) => {
            return refusals::error(dialect, kind, text, entry.request_id);
        }
    };
    match endpoint {
        Endpoint::Models | Endpoint::CountTokens => {
            let query = parts.uri.query().map(str::to_owned);
            let free = Free {
                entry,
                endpoint,
                headers: parts.headers,
                query,
                body,
            };
            Box::pin(pass::pass(&gateway.inner, free)).await
        }
        Endpoint::ChatCompletions | Endpoint::Responses | Endpoint::Messages => {
            charge(gateway, entry, endpoint, parts, body).await
        }
    }
}

/// Starts the task of a request that costs and waits for the head of its answer.
async fn charge(
    gateway: &Gateway,
    entry: Entry,
    endpoint: Endpoint,
    parts: Parts,
    body: Bytes,
) -> Response {
    let inner = &gateway.inner;
    let (kind, request_id) = (entry.provider.kind, entry.request_id);
    let dialect = endpoint.dialect(kind);
    let (facts, price) = match understood(gateway, &entry, dialect, &body).await {
        Ok(understood) => understood,
        Err(Unfit::Refused(kind, text)) => {
            telemetry::request(dialect, Outcome::Invalid, kind.status());
            return refusals::error(dialect, kind, &text, request_id);
        }
        Err(Unfit::Failed(error)) => {
            let answer = refusals::internal(dialect, &error, request_id);
            telemetry::request(dialect, Outcome::Failed, answer.status().as_u16());
            return answer;
        }
    };
    let query = parts.uri.query().map(str::to_owned);
    let job = Job {
        entry,
        endpoint,
        facts,
        price,
        headers: parts.headers,
        query,
        body,
    };
    let (reply, answer) = oneshot::channel();
    let span = tracing::info_span!(
        "ai_request",
        request_id = request_id.map(tracing::field::display),
        user_id = %job.entry.user_id,
        provider = job.entry.provider.name.as_str(),
        model = job.facts.model,
    );
    inner
        .tasks
        .spawn(pipeline::run(inner.clone(), job, reply).instrument(span));
    match answer.await {
        Ok(response) => response,
        // The task has panicked; what it held is closed by its guard.
        Err(error) => refusals::internal(dialect, &error, request_id),
    }
}

/// What a request asks for, if that is the caller's to ask for, and the price of its model at this instant.
async fn understood(
    gateway: &Gateway,
    entry: &Entry,
    dialect: Dialect,
    body: &[u8],
) -> Result<(RequestFacts, Option<ModelPrice>), Unfit> {
    let facts = parse_request(dialect, body)
        .map_err(|error| Unfit::Refused(ErrorKind::BadRequest, error.to_string()))?;
    let inner = &gateway.inner;
    stored_responses::check(inner, entry, &facts.named).await?;
    let book = inner.prices.at(entry.price_version).await;
    let book = book.map_err(Unfit::Failed)?;
    let price = book.lookup(entry.provider.kind, &facts.model, inner.clock.now());
    Ok((facts, price))
}

/// Why a body cannot be read, and what to say.
struct Unreadable(ErrorKind, &'static str);

async fn read(gateway: &Gateway, parts: &Parts, body: Body) -> Result<Bytes, Unreadable> {
    let limit = gateway.inner.config.request_limit;
    let too_large = Unreadable(ErrorKind::TooLarge, "the request body is too large");
    let told = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if told
        .and_then(|text| text.parse::<usize>().ok())
        .is_some_and(|length| length > limit)
    {
        return Err(too_large);
    }
    to_bytes(body, limit).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        if source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
            too_large
        } else {
            Unreadable(ErrorKind::BadRequest, "the request body could not be read")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_endpoints_and_no_others() {
        let check = |kind, method: Method, path: &str, expected| {
            assert_eq!(
                endpoint(kind, &method, path),
                expected,
                "{kind} {method} {path}"
            );
        };
        let (chat, messages) = ("v1/chat/completions", "v1/messages");
        for kind in [ProviderKind::OpenAi, ProviderKind::OpenAiCompatible] {
            check(kind, Method::POST, chat, Some(Endpoint::ChatCompletions));
            check(kind, Method::GET, "v1/models", Some(Endpoint::Models));
            check(kind, Method::GET, chat, None);
            check(kind, Method::POST, messages, None);
            check(kind, Method::POST, "v1/embeddings", None);
            check(
                kind,
                Method::POST,
                "v1/responses",
                Some(Endpoint::Responses),
            );
            check(kind, Method::GET, "v1/responses", None);
            check(kind, Method::GET, "v1/responses/resp_1", None);
            check(kind, Method::POST, "v1/responses/compact", None);
        }
        let anthropic = ProviderKind::Anthropic;
        check(anthropic, Method::POST, messages, Some(Endpoint::Messages));
        check(
            anthropic,
            Method::POST,
            "v1/messages/count_tokens",
            Some(Endpoint::CountTokens),
        );
        check(anthropic, Method::GET, "v1/models", Some(Endpoint::Models));
        check(anthropic, Method::POST, "v1/messages/batches", None);
        check(anthropic, Method::POST, chat, None);
        check(anthropic, Method::POST, "v1/responses", None);
        check(anthropic, Method::POST, "v1/messages/", None);
    }
}
