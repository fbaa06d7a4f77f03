//! Sending an answer the way the script wants it: late, in pieces, cut off, or never.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::record::Ticket;
use crate::script::{Fault, Script};

/// Waits for the first byte's time, or for ever.
pub(crate) async fn first_byte(script: &Script) {
    if script.fault == Fault::Hang {
        pending::<()>().await;
    }
    sleep(script.first_byte_delay).await;
    if let Some(gate) = &script.gate {
        gate.pass().await;
    }
}

/// A plain answer, whole or in the two halves that a fault may fall between.
pub(crate) fn plain(body: &Value, script: &Script, ticket: Ticket) -> Response {
    let bytes = Bytes::from(body.to_string());
    let length = bytes.len();
    let mut second = bytes;
    let first = second.split_to(length / 2);
    let pace = Pace {
        delay: Duration::ZERO,
        fault: script.fault,
        error: None,
    };
    let mut answer = Response::new(paced(vec![first, second], pace, ticket));
    // The length that was meant, so that a cut answer is seen to be one.
    answer
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A stream of events.
pub(crate) fn stream(
    events: Vec<Bytes>,
    error: Bytes,
    script: &Script,
    ticket: Ticket,
) -> Response {
    let chunks = match script.write_bytes {
        Some(size) => events
            .concat()
            .chunks(size.max(1))
            .map(Bytes::copy_from_slice)
            .collect(),
        None => events,
    };
    let pace = Pace {
        delay: script.chunk_delay,
        fault: script.fault,
        error: Some(error),
    };
    let mut answer = Response::new(paced(chunks, pace, ticket));
    answer.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    answer
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

/// How chunks follow each other.
struct Pace {
    delay: Duration,
    fault: Fault,
    /// The event that breaks a stream off; plain answers have none.
    error: Option<Bytes>,
}

/// A body on its way.
struct Sending {
    chunks: VecDeque<Bytes>,
    sent: usize,
    pace: Pace,
    ticket: Ticket,
}

fn paced(chunks: Vec<Bytes>, pace: Pace, ticket: Ticket) -> Body {
    let sending = Sending {
        chunks: chunks.into(),
        sent: 0,
        pace,
        ticket,
    };
    Body::from_stream(stream::unfold(sending, |mut sending| async move {
        let next = sending.next().await?;
        Some((next, sending))
    }))
}

impl Sending {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.fault_is_due() {
            match self.pace.fault {
                Fault::CutAfterChunks(_) => {
                    self.ticket.finish();
                    // Gives the server the time to send what it has.
                    yield_now().await;
                    return Some(Err(io::Error::other("this cut is scripted")));
                }
                Fault::ErrorEventAfterChunks(_) => {
                    self.chunks.clear();
                    self.chunks.extend(self.pace.error.take());
                }
                Fault::HangAfterChunks(_) | Fault::Hang | Fault::Status { .. } | Fault::None => {
                    pending::<()>().await;
                }
            }
        }
        let Some(chunk) = self.chunks.pop_front() else {
            self.ticket.finish();
            return None;
        };
        if self.sent > 0 {
            sleep(self.pace.delay).await;
        }
        self.sent += 1;
        if self.chunks.is_empty() && !self.fault_is_due() {
            // Of a body with a known length nobody asks for what comes after the last chunk.
            self.ticket.finish();
        }
        Some(Ok(chunk))
    }

    /// Whether the script lets something happen now, in place of the next chunk.
    fn fault_is_due(&self) -> bool {
        match self.pace.fault {
            Fault::CutAfterChunks(count) | Fault::HangAfterChunks(count) => self.sent == count,
            Fault::ErrorEventAfterChunks(count) => self.sent == count && self.pace.error.is_some(),
            Fault::None | Fault::Status { .. } | Fault::Hang => false,
        }
    }
}
