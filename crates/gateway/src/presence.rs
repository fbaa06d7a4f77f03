//! What happens to a request whose caller's access ends meanwhile.
//!
//! The client is turned away at once: before the head of an answer with 401 (or 403) in the provider's shape, in the
//! middle of a stream with an error event of that shape. Towards the pipeline it is a client that hangs up, with all
//! that follows: a waiter leaves the line, an answer that was asked for is read to its end, and it is charged by the
//! provider's own figures. Losing access never makes a request cheaper.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::header;
use http_body::{Body as HttpBody, Frame};
use uuid::Uuid;

use crate::{
    access::{Denial, Presence},
    refusals, telemetry,
    wire::{Dialect, error_event},
};

/// Resolves with the reason when the caller may not go on.
type Ended = Pin<Box<dyn Future<Output = Denial> + Send>>;

/// Answers as `answering` does for as long as the caller may be answered.
pub(crate) async fn guarded(
    presence: Arc<dyn Presence>,
    (dialect, request_id): (Dialect, Option<Uuid>),
    answering: impl Future<Output = Response>,
) -> Response {
    let mut ended: Ended = Box::pin(async move { presence.ended().await });
    let response = tokio::select! {
        biased;
        denial = &mut ended => {
            telemetry::turned_away(dialect);
            return refusals::ended(dialect, &denial, request_id);
        }
        response = answering => response,
    };
    if response.body().size_hint().exact().is_some() {
        // It is all there already.
        return response;
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    let events = kind.is_some_and(|kind| {
        let kind = kind.as_bytes().to_ascii_lowercase();
        kind.starts_with(b"text/event-stream")
    });
    response.map(|inner| {
        Body::new(GuardedBody {
            state: State::Open(inner, ended),
            tail: [b'\n'; 4],
            events,
            dialect,
            request_id,
        })
    })
}

/// A streamed answer that ends with the caller's access.
struct GuardedBody {
    state: State,
    /// The last bytes that were passed on.
    tail: [u8; 4],
    /// Whether it is a stream of events, in which an error has a place.
    events: bool,
    dialect: Dialect,
    request_id: Option<Uuid>,
}

enum State {
    Open(Body, Ended),
    Over,
}

impl fmt::Debug for GuardedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

impl GuardedBody {
    /// The last frame: the error, where a new event can begin. In the middle of one the answer breaks off, so that
    /// half an event is not taken for a whole one.
    fn cut(&self, denial: &Denial) -> Result<Frame<Bytes>, axum::Error> {
        telemetry::turned_away(self.dialect);
        let [.., before, last] = self.tail;
        let border = self.tail == *b"\r\n\r\n" || (before == last && matches!(last, b'\n' | b'\r'));
        if !self.events || !border {
            return Err(axum::Error::new(io::Error::other("access has ended")));
        }
        let (kind, text) = refusals::ended_words(denial);
        let request_id = self.request_id.map(|id| id.to_string());
        let event = error_event(self.dialect, kind, &text, request_id.as_deref());
        Ok(Frame::data(event))
    }

    fn passed(&mut self, data: &[u8]) {
        for byte in data.iter().skip(data.len().saturating_sub(self.tail.len())) {
            self.tail.rotate_left(1);
            if let Some(last) = self.tail.last_mut() {
                *last = *byte;
            }
        }
    }
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let State::Open(inner, ended) = &mut this.state else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(denial) = ended.as_mut().poll(context) {
            // With the answer goes what the client has not read of it yet.
            this.state = State::Over;
            return Poll::Ready(Some(this.cut(&denial)));
        }
        let frame = ready!(Pin::new(inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.passed(data);
                }
            }
            Some(Err(_)) | None => this.state = State::Over,
        }
        Poll::Ready(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;
    use http_body_util::BodyExt;
    use tokio::sync::watch;

    /// Access until it is told otherwise.
    #[derive(Debug)]
    struct Until(watch::Receiver<bool>);

    #[async_trait::async_trait]
    impl Presence for Until {
        async fn confirm(&self) -> Result<(), Denial> {
            Ok(())
        }

        async fn ended(&self) -> Denial {
            let mut over = self.0.clone();
            over.wait_for(|over| *over).await.unwrap();
            Denial::Unauthorized("sign in again")
        }
    }

    fn until() -> (watch::Sender<bool>, Arc<dyn Presence>) {
        let (end, until) = watch::channel(false);
        (end, Arc::new(Until(until)))
    }

    /// Passes pieces of a stream of this type on, then ends the access: what the client gets, and whether the
    /// answer looks like a whole one.
    async fn cut_after(kind: &'static str, pieces: &[&'static str]) -> (String, bool) {
        let (end, presence) = until();
        let (feed, fed) = body::channel();
        let answering = async {
            let response = Response::builder().header("content-type", kind);
            response.body(Body::new(fed)).unwrap()
        };
        let response = guarded(presence, (Dialect::OpenAiChat, None), answering).await;
        let mut body = response.into_body();
        let mut text = String::new();
        for piece in pieces {
            feed.send(Bytes::from_static(piece.as_bytes()))
                .await
                .unwrap();
            let frame = body.frame().await.unwrap().unwrap();
            text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
        // This one is under way already.
        feed.send(Bytes::from_static(b"data: late\n\n"))
            .await
            .unwrap();
        end.send_replace(true);
        let mut whole = true;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => {
                    text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
                }
                Err(_) => whole = false,
            }
        }
        // For the pipeline it is a client that has left.
        feed.gone().await;
        (text, whole)
    }

    #[tokio::test]
    async fn a_stream_ends_with_an_error_where_one_fits() {
        const EVENTS: &str = "text/event-stream; charset=utf-8";
        let check = async |kind, pieces: &[&'static str], fits: bool| {
            let (text, whole) = cut_after(kind, pieces).await;
            assert_eq!(whole, fits, "{pieces:?}");
            let rest = text.strip_prefix(&pieces.concat()).unwrap();
            let error = rest.starts_with("data: {\"error\":") && rest.ends_with("\n\n");
            assert_eq!(error, fits, "{rest}");
            assert_eq!(rest.is_empty(), !fits);
        };
        check(EVENTS, &[], true).await;
        check(EVENTS, &["data: a\n\n"], true).await;
        check(EVENTS, &["data: a\r\n", "\r\n"], true).await;
        check(EVENTS, &["data: a\n", "\n"], true).await;
        check("TEXT/EVENT-STREAM", &["data: a\r\r"], true).await;
        check(EVENTS, &["data: a"], false).await;
        check(EVENTS, &["data: a\n"], false).await;
        check(EVENTS, &["data: a\n\nda"], false).await;
        check("text/plain", &["a\n\n"], false).await;
    }

    #[tokio::test]
    async fn an_answer_in_one_piece_comes_or_does_not() {
        let (end, presence) = until();
        let here = async { Response::new(Body::from("whole")) };
        let both = (Dialect::AnthropicMessages, None);
        let answer = guarded(Arc::clone(&presence), both, here).await;
        assert_eq!(answer.status(), 200);
        end.send_replace(true);
        let answer = guarded(presence, both, std::future::pending()).await;
        assert_eq!(answer.status(), 401);
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains("authentication_error"), "{text}");
        assert!(text.contains("sign in again"), "{text}");
    }
}
