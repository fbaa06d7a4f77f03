//! How a stream gets to its client: as a WebSocket, or as server-sent events for whoever accepts those.
//!
//! A piece is one JSON text. A stream that ends before its time says why: a WebSocket by the code and the words that it is
//! closed with, server-sent events by a last event `error` with the same.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{
        FromRequestParts,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use bursar_sdk::ChatStreamEnd;
use chat::Closed;
use futures_util::{
    SinkExt, Stream, StreamExt,
    stream::{BoxStream, SplitSink, unfold},
};
use tokio::time::{Instant, interval_at, timeout};

use crate::error::{ApiError, ApiResult};

/// The pieces of a stream. It ends after an error, which says why; without one the client has gone.
pub(super) type Pieces = BoxStream<'static, Result<Piece, Closed>>;

/// What is before and after the JSON of a piece that is sent as an event.
const AROUND: (&[u8], &[u8]) = (b"data: ", b"\n\n");

/// One JSON text, written once for all to whom it is sent, whichever way: as the event that it is among server-sent
/// events. JSON has no line breaks in it but in its texts, where they are escaped.
#[derive(Debug, Clone)]
pub(super) struct Piece(pub(super) Bytes);

impl Piece {
    /// The piece of a type of the wire; those are always JSON.
    pub(super) fn of<T: serde::Serialize>(value: &T) -> Self {
        let mut text = AROUND.0.to_vec();
        // Nothing is written half: what cannot be JSON is empty.
        if serde_json::to_writer(&mut text, value).is_err() {
            text.truncate(AROUND.0.len());
        }
        text.extend(AROUND.1);
        Self(text.into())
    }

    /// The JSON alone.
    fn json(&self) -> Bytes {
        let end = self.0.len().saturating_sub(AROUND.1.len());
        self.0.slice(AROUND.0.len().min(end)..end)
    }
}

const EVENT_STREAM: &str = "text/event-stream";
/// How often something is sent at the least, so that nobody on the way takes the stream for dead.
const BEAT: Duration = Duration::from_secs(15);
/// How long a client may take over a piece.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest message that a client may send, in bytes: there is nothing to say.
const HEARD_MAX: usize = 4_096;
/// The words with which a stream ends that the client was too slow for.
const SLOW: Closed = Closed::Behind;

/// Which way the client asks for.
#[derive(Debug)]
pub(super) enum Transport {
    /// A WebSocket.
    Socket(Box<WebSocketUpgrade>),
    /// Server-sent events.
    Events,
    /// Neither.
    None,
}

impl<S: Send + Sync> FromRequestParts<S> for Transport {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(
            match WebSocketUpgrade::from_request_parts(parts, state).await {
                Ok(upgrade) => Self::Socket(Box::new(upgrade)),
                Err(_) if accepts_events(&parts.headers) => Self::Events,
                Err(_) => Self::None,
            },
        )
    }
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter();
    let kinds = accepted
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    kinds
        .filter_map(|kind| kind.split(';').next())
        .any(|kind| kind.trim().eq_ignore_ascii_case(EVENT_STREAM))
}

impl Transport {
    /// Refuses a client that asks for no stream.
    pub(super) fn asked(self) -> ApiResult<Self> {
        match self {
            Self::Socket(_) | Self::Events => Ok(self),
            Self::None => Err(ApiError::Detailed {
                message: "This is a stream.",
                detail: "Ask for a WebSocket, or accept `text/event-stream`.",
            }),
        }
    }

    /// Sends the pieces.
    pub(super) fn answer(self, pieces: Pieces) -> Response {
        match self {
            Self::Socket(upgrade) => upgrade
                .max_message_size(HEARD_MAX)
                .max_frame_size(HEARD_MAX)
                .on_upgrade(move |socket| talk(socket, pieces)),
            Self::Events | Self::None => events(pieces),
        }
    }
}

fn events(pieces: Pieces) -> Response {
    let headers = [
        (header::CONTENT_TYPE, EVENT_STREAM),
        // Proxies that know it pass each event on at once.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, Body::from_stream(written(pieces, BEAT))).into_response()
}

/// Pieces as events, with something in between where nothing happens.
fn written(pieces: Pieces, beat: Duration) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold(Some(pieces), move |pieces| async move {
        let mut pieces = pieces?;
        let (text, go_on) = match timeout(beat, pieces.next()).await {
            Err(_quiet) => (Bytes::from_static(b":\n\n"), true),
            Ok(Some(Ok(piece))) => (piece.0, true),
            Ok(Some(Err(why))) => (end(why), false),
            Ok(None) => return None,
        };
        Some((Ok(text), go_on.then_some(pieces)))
    })
}

/// The last event, which says why.
fn end(why: Closed) -> Bytes {
    let end = ChatStreamEnd {
        code: why.code(),
        message: why.reason().to_owned(),
    };
    [b"event: error\n", &*Piece::of(&end).0].concat().into()
}

/// Sends pieces until one of both sides ends.
async fn talk(socket: WebSocket, mut pieces: Pieces) {
    let (mut sender, mut heard) = socket.split();
    let mut beats = interval_at(Instant::now() + BEAT, BEAT);
    let why = loop {
        let message = tokio::select! {
            piece = pieces.next() => match piece {
                Some(Ok(piece)) => match Utf8Bytes::try_from(piece.json()) {
                    Ok(text) => Message::Text(text),
                    Err(_) => break Some(SLOW),
                },
                Some(Err(why)) => break Some(why),
                None => break None,
            },
            _ = beats.tick() => Message::Ping(Bytes::new()),
            // Whatever a client says is nothing to us, but that it goes.
            said = heard.next() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
                Some(Ok(_)) => continue,
            },
        };
        if !sent(&mut sender, message).await {
            break None;
        }
    };
    let closing = why.map(|why| CloseFrame {
        code: why.code(),
        reason: why.reason().into(),
    });
    sent(&mut sender, Message::Close(closing)).await;
}

/// Whether the client took it.
async fn sent(sender: &mut SplitSink<WebSocket, Message>, message: Message) -> bool {
    matches!(
        timeout(SEND_TIMEOUT, sender.send(message)).await,
        Ok(Ok(()))
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures_util::stream;

    use super::*;

    #[test]
    fn events_are_asked_for_by_their_type() {
        let check = |accepted: &[&str], expected: bool| {
            let mut headers = HeaderMap::new();
            for line in accepted {
                headers.append(header::ACCEPT, line.parse().unwrap());
            }
            assert_eq!(accepts_events(&headers), expected, "{accepted:?}");
        };
        check(&[], false);
        check(&["*/*"], false);
        check(&["application/json"], false);
        check(&["text/event-stream"], true);
        check(&["Text/Event-Stream; charset=utf-8"], true);
        check(&["application/json, text/event-stream;q=0.9"], true);
        check(&["application/json", "text/event-stream"], true);
    }

    async fn texts(pieces: Vec<Result<Piece, Closed>>) -> Vec<String> {
        let written = written(stream::iter(pieces).boxed(), BEAT);
        let texts = written.map(|text| String::from_utf8(text.unwrap().to_vec()).unwrap());
        texts.collect().await
    }

    #[tokio::test]
    async fn a_stream_that_ends_before_its_time_says_why() {
        let status = [("type", "status")];
        let json = || Ok(Piece::of(&[BTreeMap::from(status)]));
        assert_eq!(json().unwrap().json(), r#"[{"type":"status"}]"#);
        let data = "data: [{\"type\":\"status\"}]\n\n";
        assert_eq!(texts(vec![json(), json()]).await, [data, data]);
        let pieces = vec![json(), Err(Closed::Revoked), json()];
        let end = "event: error\ndata: {\"code\":4403,\"message\":\"permission revoked\"}\n\n";
        assert_eq!(texts(pieces).await, [data, end]);
        assert!(texts(Vec::new()).await.is_empty());
    }

    #[tokio::test]
    async fn where_nothing_happens_something_is_sent() {
        let beat = Duration::from_millis(1);
        let mut written = Box::pin(written(stream::pending().boxed(), beat));
        for _ in 0..2 {
            let text = written.next().await.unwrap().unwrap();
            assert_eq!(text, ":\n\n");
        }
    }
}
