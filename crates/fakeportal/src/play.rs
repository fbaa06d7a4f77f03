//! Answering in a way.

use std::{convert::Infallible, io};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::{Operation, Place, Way, server::Shared};

/// The connection is to be reset.
#[derive(Debug)]
pub(crate) struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is reset")
    }
}

impl std::error::Error for Reset {}

/// A request, and what it is answered by.
pub(crate) struct Turn<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) operation: Option<Operation>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a str,
}

impl Turn<'_> {
    /// Answers in this way.
    pub(crate) async fn play(self, way: Way) -> Result<Response, Reset> {
        Ok(match way {
            Way::Well => self.well(),
            Way::Late(told) => {
                told.notified().await;
                self.well()
            }
            Way::Slow(time) => {
                tokio::time::sleep(time).await;
                self.well()
            }
            Way::Body(body) => body.into_response(),
            Way::Status(status, name, value) => {
                let (_, body) = self.by_the_books();
                (code(status), [(name, value)], body).into_response()
            }
            Way::Errors(place, text) => self.errors(place, &text).into_response(),
            Way::Null => self.null().into_response(),
            Way::Circles => Self::page("row-circle").into_response(),
            Way::MorePages => {
                let cursor = format!("row-{}", self.shared.received().len());
                Self::page(&cursor).into_response()
            }
            Way::Never => std::future::pending().await,
            Way::Half => {
                let half = stream::iter([Ok::<_, io::Error>(self.half())]);
                Body::from_stream(half.chain(stream::pending())).into_response()
            }
            Way::Cut => {
                let parts = [Ok(self.half()), Err(io::Error::other("cut"))];
                Body::from_stream(stream::iter(parts)).into_response()
            }
            Way::Reset => return Err(Reset),
            Way::DoneReset => {
                self.by_the_books();
                return Err(Reset);
            }
            Way::Long { bytes, announced } => self.long(bytes, announced),
            Way::Announced(bytes) => {
                let never = stream::pending::<Result<Bytes, Infallible>>();
                ([(header::CONTENT_LENGTH, bytes)], Body::from_stream(never)).into_response()
            }
            Way::Endless => {
                let blanks = Bytes::from_static(&[b' '; 4096]);
                let blanks = stream::repeat(Ok::<_, Infallible>(blanks));
                Body::from_stream(blanks).into_response()
            }
        })
    }

    fn by_the_books(&self) -> (u16, String) {
        self.shared.books().answer(self.headers, self.body)
    }

    fn well(&self) -> Response {
        let (status, body) = self.by_the_books();
        (code(status), body).into_response()
    }

    fn half(&self) -> Bytes {
        let (_, answer) = self.by_the_books();
        let mut answer = Bytes::from(answer);
        answer.split_to(answer.len() / 2)
    }

    fn long(&self, bytes: usize, announced: bool) -> Response {
        let (_, answer) = self.by_the_books();
        let blanks = " ".repeat(bytes.saturating_sub(answer.len()));
        let padded = Bytes::from(format!("{answer}{blanks}"));
        if announced {
            return ([(header::CONTENT_LENGTH, bytes)], padded).into_response();
        }
        Body::from_stream(stream::iter([Ok::<_, Infallible>(padded)])).into_response()
    }

    fn errors(&self, place: Place, text: &str) -> String {
        match place {
            Place::Payload => {
                let operation = self.operation.unwrap_or(Operation::BudgetCaps);
                operation.rejected(text)
            }
            Place::Data => json!({"data": {"errors": [text]}}).to_string(),
            Place::DataText => json!({"data": {"errors": text}}).to_string(),
            Place::Top => json!({"errors": [{"message": text}], "data": null}).to_string(),
        }
    }

    /// Null where something must be.
    fn null(&self) -> String {
        match self.operation {
            Some(mutation) if mutation.result().is_some() => {
                json!({"data": {mutation.name(): null}}).to_string()
            }
            Some(Operation::BlockedStatuses) => {
                let usage = json!({"blockedStatuses": null});
                json!({"data": {"subscription": {"gitlabCreditsUsage": usage}}}).to_string()
            }
            _ => crate::Subscription::default().with_overrides("null"),
        }
    }

    /// An empty page that has a next one.
    fn page(cursor: &str) -> String {
        let info = json!({"hasNextPage": true, "endCursor": cursor}).to_string();
        crate::Subscription::default().with_page(&[], &info)
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
