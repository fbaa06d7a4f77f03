//! When the engine said each part of the turn that runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tracing::{
    Event, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

/// The instants, by the parts' places in their turn.
static SAID: Mutex<Vec<Instant>> = Mutex::new(Vec::new());

fn said() -> MutexGuard<'static, Vec<Instant>> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on a new turn is listened to.
pub(crate) fn begin() {
    said().clear();
}

/// What was heard of the turn.
pub(crate) fn heard() -> Vec<Instant> {
    said().clone()
}

/// Hears the engine, and nothing else.
#[derive(Debug)]
pub(crate) struct Hearer;

impl Subscriber for Hearer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() == Level::TRACE
            && metadata.target() == "chat::feed"
    }

    fn event(&self, _event: &Event<'_>) {
        said().push(Instant::now());
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
