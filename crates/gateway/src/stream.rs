//! Streamed answers: passed on piece by piece as they come, and read to their end whether or not the client
//! stays.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{
    ask,
    body::{self, Feed},
    drain::Drain,
    gateway::Inner,
    held::Held,
    pipeline::Finish,
    progress::StreamProgress,
    stored_responses::Keeper,
    telemetry::Outcome,
    wire::{Metered, StreamMeter, UsageChunkFilter},
};

/// What a streamed answer needs beside its source.
#[derive(Debug)]
pub(crate) struct Relay {
    /// The reservation.
    pub(crate) held: Box<Held>,
    /// The watch over the client.
    pub(crate) drain: Drain,
    /// Notes what the provider keeps of the answer.
    pub(crate) keeper: Option<Keeper>,
    /// Whether the usage chunk was asked for by the gateway only.
    pub(crate) hide_usage: bool,
}

/// How reading the provider's stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Broken,
}

/// Passes a stream on, meters it and settles before the client sees its end.
pub(crate) async fn relay(
    inner: &Arc<Inner>,
    relay: Relay,
    response: reqwest::Response,
    (status, headers): (StatusCode, HeaderMap),
    finish: Finish,
) {
    let Relay {
        held,
        mut drain,
        keeper,
        hide_usage,
    } = relay;
    let (feed, body) = body::channel();
    let mut head = Response::new(Body::new(body));
    *head.status_mut() = status;
    *head.headers_mut() = headers;
    let head = ask::of_provider(head, Some(held.bill.id));
    let dialect = finish.dialect;
    if !finish.answer(Outcome::Served, head) {
        drain.left();
    }
    let progress = inner.streams.open(held.bill.id, held.bill.output_tokens);
    let filter = hide_usage.then(UsageChunkFilter::new);
    let meter = StreamMeter::new(dialect);
    let mut passing = Passing {
        inner,
        held,
        drain,
        keeper,
        feed,
        meter,
        filter,
        progress,
    };
    let end = passing.read(response).await;
    let held_back = passing
        .filter
        .as_mut()
        .map(UsageChunkFilter::finish)
        .unwrap_or_default();
    // Also what the meter still held back counts, of a stream that ended in the middle of an event.
    let rest = std::mem::replace(&mut passing.meter, StreamMeter::new(dialect));
    passing.settle(&rest.finish()).await;
    passing.send(held_back).await;
    if end == End::Whole && !passing.drain.has_left() {
        passing.feed.end().await;
    }
}

struct Passing<'a> {
    inner: &'a Arc<Inner>,
    held: Box<Held>,
    drain: Drain,
    keeper: Option<Keeper>,
    feed: Feed,
    meter: StreamMeter,
    filter: Option<UsageChunkFilter>,
    progress: StreamProgress,
}

impl Passing<'_> {
    /// Reads the provider's stream to its end.
    async fn read(&mut self, mut response: reqwest::Response) -> End {
        let most = self.inner.config.idle_timeout;
        loop {
            match self
                .drain
                .over(most, response.chunk(), self.feed.gone())
                .await
            {
                Ok(Ok(Some(chunk))) => self.pass(chunk).await,
                Ok(Ok(None)) => return End::Whole,
                Ok(Err(_)) | Err(_) => return End::Broken,
            }
        }
    }

    /// Meters a piece and passes it on.
    async fn pass(&mut self, chunk: Bytes) {
        self.meter.feed(&chunk);
        let seen = self.meter.output_bytes_seen();
        self.progress.received(seen);
        self.held.note(seen);
        if self.meter.ended() {
            // The last event is in this piece. Many clients stop reading there, so it is charged first, and whose it
            // is noted: the next request may come at once.
            self.settle(&self.meter.snapshot()).await;
        }
        let out = match &mut self.filter {
            Some(filter) => filter.push(chunk),
            None => chunk,
        };
        self.send(out).await;
    }

    async fn send(&mut self, data: Bytes) {
        if data.is_empty() || self.drain.has_left() {
            return;
        }
        let most = self.inner.config.client_stall_timeout;
        let sent = self
            .drain
            .over(most, self.feed.send(data), std::future::pending())
            .await;
        if !matches!(sent, Ok(Ok(()))) {
            // Gone, or as good as gone. What it misses now it never gets: the answer will break off.
            self.drain.left();
        }
    }

    /// Charges what was read and notes what the provider keeps of it, if that was not done before.
    async fn settle(&mut self, metered: &Metered) {
        if !self.held.closed() {
            let (inner, keeper) = (self.inner, self.keeper);
            let closing = self.held.settle(metered);
            let noting = keeper.and_then(|keeper| keeper.keep(inner, metered));
            tokio::join!(inner.patiently(closing), inner.patiently(noting));
        }
    }
}
