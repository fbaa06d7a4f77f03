//! An export on its way: read, written in its format and sent, as fast as the client takes it and no faster.
//!
//! An export holds a connection to the database for as long as it lasts. So there are few at a time, and a client that
//! takes nothing is not waited for. A body that is whole says so: whatever else ends it breaks the transfer off, so that
//! no part passes for the whole.

use std::{io, ops::ControlFlow, time::Duration};

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use dbauthz::ReadUnit;
use futures_util::stream::unfold;
use model::{
    spend::Period,
    spend_reports::{SpendExportFilter, SpendExportRow},
};
use store::{StoreError, StoreResult, spend_reports::SpendExportSink};
use tokio::{
    sync::{Semaphore, SemaphorePermit, mpsc, oneshot},
    time::timeout,
};
use tracing::Instrument;

use super::formats::{EncodeError, Encoder};
use crate::error::chain;

/// How many exports are under way at a time: the pool's other connections are for everybody else.
static UNDER_WAY: Semaphore = Semaphore::const_new(4);
/// How long to wait for one of them to end.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take nothing.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How many pieces may be under way, each of a thousand rows.
const PIECES: usize = 2;

enum Piece {
    Bytes(Vec<u8>),
    /// Nothing is missing.
    End,
}

/// A place among the exports that are under way. It is waited for before a connection to the database is taken: those who
/// wait must not keep all others from theirs.
///
/// # Errors
/// `Unavailable` while too many exports are under way.
pub(super) async fn permit() -> StoreResult<SemaphorePermit<'static>> {
    match timeout(QUEUE_TIMEOUT, UNDER_WAY.acquire()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(StoreError::Unavailable(
            "too many exports are under way".into(),
        )),
    }
}

/// Begins an export: its period, and the body that carries it.
///
/// # Errors
/// Whatever keeps the first rows from being read.
pub(super) async fn start(
    permit: SemaphorePermit<'static>,
    mut unit: ReadUnit,
    filter: SpendExportFilter,
    encoder: Box<dyn Encoder>,
) -> StoreResult<(Period, Body)> {
    let (opened, opening) = oneshot::channel();
    let (pieces, body) = mpsc::channel(PIECES);
    let mut sink = Sink {
        encoder,
        opened: Some(opened),
        pieces,
        failed: None,
        gap: false,
    };
    let work = async move {
        let outcome = unit.spend_reports().spend_export(&filter, &mut sink).await;
        drop((unit, permit));
        sink.end(outcome).await;
    };
    tokio::spawn(work.in_current_span());
    let period = opening.await.map_err(internal)??;
    Ok((period, Body::from_stream(stream(body))))
}

fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Internal(error.into())
}

fn stream(
    pieces: mpsc::Receiver<Piece>,
) -> impl futures_util::Stream<Item = Result<Bytes, io::Error>> {
    unfold(Some(pieces), |pieces| async move {
        let mut pieces = pieces?;
        match pieces.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes.into()), Some(pieces))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the export broke off")), None)),
        }
    })
}

struct Sink {
    encoder: Box<dyn Encoder>,
    /// Who waits to hear how it began.
    opened: Option<oneshot::Sender<StoreResult<Period>>>,
    pieces: mpsc::Sender<Piece>,
    /// Why rows could not be written.
    failed: Option<EncodeError>,
    /// Whether a piece did not reach the client: nothing may follow it then.
    gap: bool,
}

impl Sink {
    async fn send(&mut self, piece: Piece) -> ControlFlow<()> {
        match timeout(STALL_TIMEOUT, self.pieces.send(piece)).await {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) | Err(_) => {
                self.gap = true;
                ControlFlow::Break(())
            }
        }
    }

    async fn encoded(&mut self, bytes: Result<Vec<u8>, EncodeError>) -> ControlFlow<()> {
        match bytes {
            Ok(bytes) if bytes.is_empty() => ControlFlow::Continue(()),
            Ok(bytes) => self.send(Piece::Bytes(bytes)).await,
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    async fn end(mut self, outcome: StoreResult<()>) {
        let outcome = match self.failed.take() {
            Some(error) => Err(internal(error)),
            None => outcome,
        };
        let Err(error) = outcome else {
            return self.whole().await;
        };
        match self.opened.take() {
            Some(opened) => drop(opened.send(Err(error))),
            None => tracing::warn!(error = %chain(&error), "an export broke off"),
        }
    }

    async fn whole(mut self) {
        if self.gap {
            return; // The client left, or took nothing.
        }
        let last = self.encoder.end();
        if self.encoded(last).await.is_continue() {
            let _sent = self.send(Piece::End).await;
        }
    }
}

#[async_trait]
impl SpendExportSink for Sink {
    async fn begin(&mut self, period: Period) -> ControlFlow<()> {
        let Some(opened) = self.opened.take() else {
            return ControlFlow::Break(());
        };
        if opened.send(Ok(period)).is_err() {
            self.gap = true;
            return ControlFlow::Break(());
        }
        let first = self.encoder.begin();
        self.encoded(first).await
    }

    async fn rows(&mut self, rows: Vec<SpendExportRow>) -> ControlFlow<()> {
        let bytes = self.encoder.rows(rows);
        self.encoded(bytes).await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn what_is_not_whole_is_an_error() {
        for whole in [true, false] {
            let (pieces, body) = mpsc::channel(2);
            pieces.send(Piece::Bytes(b"a".to_vec())).await.ok().unwrap();
            if whole {
                pieces.send(Piece::End).await.ok().unwrap();
            }
            drop(pieces);
            let told: Vec<bool> = stream(body).map(|piece| piece.is_ok()).collect().await;
            let expected: &[bool] = if whole { &[true] } else { &[true, false] };
            assert_eq!(told, expected);
        }
    }
}
