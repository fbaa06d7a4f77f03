//! Answers that come in one piece: read to their end, metered, settled, then sent.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;

use crate::{
    ask,
    drain::Drain,
    gateway::Inner,
    headers::without_key,
    pipeline::{Finish, Reply},
    stream::Relay,
    telemetry::Outcome,
    wire::{Metered, read_usage},
};

/// An answer that could not be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incomplete {
    /// How many bytes of it were received.
    pub(crate) received: u64,
}

/// Reads a body to its end, but no further than `limit` bytes.
///
/// # Errors
/// [`Incomplete`] when it is longer, breaks off or is not worth waiting for any more.
pub(crate) async fn collect(
    inner: &Inner,
    response: &mut reqwest::Response,
    drain: &mut Drain,
    reply: &mut Reply,
) -> Result<Bytes, Incomplete> {
    let mut body = BytesMut::new();
    loop {
        let next = drain
            .over(inner.config.idle_timeout, response.chunk(), reply.closed())
            .await;
        match next {
            Ok(Ok(Some(chunk)))
                if body.len().saturating_add(chunk.len()) <= inner.config.answer_limit =>
            {
                body.extend_from_slice(&chunk);
            }
            Ok(Ok(None)) => return Ok(body.freeze()),
            Ok(Ok(Some(_)) | Err(_)) | Err(_) => {
                let received = u64::try_from(body.len()).unwrap_or(u64::MAX);
                return Err(Incomplete { received });
            }
        }
    }
}

/// Meters, settles, notes and sends an answer, without the provider's key should it be quoted there.
pub(crate) async fn relay(
    inner: &Arc<Inner>,
    relay: Relay,
    mut response: reqwest::Response,
    key: &SecretString,
    (status, headers): (StatusCode, HeaderMap),
    mut finish: Finish,
) {
    let Relay {
        mut held,
        mut drain,
        keeper,
        ..
    } = relay;
    let body = collect(inner, &mut response, &mut drain, &mut finish.reply).await;
    let metered = match &body {
        Ok(body) => read_usage(finish.dialect, body),
        Err(Incomplete { received }) => Metered {
            output_bytes_seen: *received,
            ..Metered::default()
        },
    };
    let closing = held.settle(&metered);
    let noting = keeper.and_then(|keeper| keeper.keep(inner, &metered));
    tokio::join!(inner.patiently(closing), inner.patiently(noting));
    match body {
        Ok(body) => {
            // A client that has left was read to the end all the same.
            let body = without_key(body, key);
            let answer = ask::of_provider(whole(status, headers, body), Some(held.bill.id));
            finish.answer(Outcome::Served, answer);
        }
        Err(_incomplete) => finish.upstream_failed("the provider's answer broke off"),
    }
}

/// An answer in one piece.
pub(crate) fn whole(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
