//! Requests that cost nothing and are never refused for budget: model lists and token counts.

use std::future::pending;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};

use crate::{
    access::Entry,
    drain::Drain,
    gateway::Inner,
    headers, plain, refusals,
    settle::source_text,
    upstream::{Endpoint, SendError, endpoint_url},
    wire::{Dialect, ErrorKind},
};

/// A request that costs nothing. Not `Debug`: its headers hold the caller's token.
pub(crate) struct Free {
    /// The caller and the provider.
    pub(crate) entry: Entry,
    /// What is asked of the provider.
    pub(crate) endpoint: Endpoint,
    /// The client's headers.
    pub(crate) headers: HeaderMap,
    /// The client's query.
    pub(crate) query: Option<String>,
    /// The client's body; empty for a list.
    pub(crate) body: Bytes,
}

/// Forwards a request and answers with what came back. A client that leaves ends it.
pub(crate) async fn pass(inner: &Inner, free: Free) -> Response {
    let provider = &free.entry.provider;
    let (dialect, request_id) = (Dialect::of(provider.kind), free.entry.request_id);
    let mut sent = match headers::to_provider(&free.headers, provider.kind, &free.entry.key) {
        Ok(headers) => headers,
        Err(error) => return refusals::internal(dialect, &error, request_id),
    };
    let method = match free.endpoint {
        Endpoint::Models => {
            sent.remove(header::CONTENT_TYPE);
            Method::GET
        }
        Endpoint::ChatCompletions
        | Endpoint::Responses
        | Endpoint::Messages
        | Endpoint::CountTokens => {
            let json = HeaderValue::from_static("application/json");
            sent.entry(header::CONTENT_TYPE).or_insert(json);
            Method::POST
        }
    };
    let url = endpoint_url(provider, free.endpoint, free.query.as_deref());
    let mut drain = Drain::new(inner.config.drain_timeout, inner.stop.clone());
    let send = Box::pin(inner.upstream.send(method, url, sent, free.body));
    let answer = drain.over(inner.config.idle_timeout, send, pending()).await;
    let failed = |error: &SendError| {
        tracing::warn!(error = source_text(error), "no answer from the provider");
        let kind = match error {
            SendError::TimedOut => ErrorKind::UpstreamTimeout,
            SendError::NotWritten(_) | SendError::MaybeWritten(_) => ErrorKind::UpstreamFailed,
        };
        refusals::error(dialect, kind, &error.to_string(), request_id)
    };
    let mut response = match answer.unwrap_or(Err(SendError::TimedOut)) {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    let status = response.status();
    if status.is_redirection() {
        let text = "the provider answered with a redirect, which is not followed";
        return refusals::error(dialect, ErrorKind::UpstreamFailed, text, request_id);
    }
    let client_headers = headers::to_client(response.headers(), &free.entry.key);
    let (mut nobody, _open) = tokio::sync::oneshot::channel();
    match plain::collect(inner, &mut response, &mut drain, &mut nobody).await {
        Ok(body) => plain::whole(
            status,
            client_headers,
            headers::without_key(body, &free.entry.key),
        ),
        Err(_incomplete) => {
            let text = "the provider's answer broke off";
            refusals::error(dialect, ErrorKind::UpstreamFailed, text, request_id)
        }
    }
}
