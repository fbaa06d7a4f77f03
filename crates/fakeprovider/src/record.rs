//! The log of what arrived.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, Method, request::Parts};
use bytes::Bytes;
use tokio::sync::watch;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
    /// How far the answer came.
    pub outcome: Outcome,
}

/// How far an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not yet ended.
    Running,
    /// Sent as the script wanted it, a scripted fault included.
    Finished,
    /// The other side went away before the end.
    Dropped,
}

/// All requests so far, in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Log {
    entries: Mutex<Vec<Recorded>>,
    /// Raised when an entry is added or gets its outcome.
    changes: watch::Sender<()>,
}

impl Log {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            entries: Mutex::default(),
            changes: watch::Sender::new(()),
        })
    }

    /// Adds a request; the entry gets its outcome through the ticket.
    pub(crate) fn add(self: &Arc<Self>, parts: &Parts, body: Bytes) -> Ticket {
        let mut entries = self.entries();
        let index = entries.len();
        entries.push(Recorded {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            headers: parts.headers.clone(),
            body,
            outcome: Outcome::Running,
        });
        drop(entries);
        self.changes.send_replace(());
        Ticket {
            log: Arc::clone(self),
            index,
            outcome: Outcome::Dropped,
        }
    }

    pub(crate) fn entries(&self) -> MutexGuard<'_, Vec<Recorded>> {
        // A panic of another holder cannot leave the list half written.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `enough` holds for the log.
    pub(crate) async fn wait(&self, enough: impl Fn(&[Recorded]) -> bool) {
        let mut changes = self.changes.subscribe();
        while !enough(&self.entries()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Writes the outcome of one request when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    log: Arc<Log>,
    index: usize,
    outcome: Outcome,
}

impl Ticket {
    /// The request's number, from 1.
    pub(crate) const fn number(&self) -> usize {
        self.index + 1
    }

    /// The answer has been handed over as scripted.
    pub(crate) const fn finish(&mut self) {
        self.outcome = Outcome::Finished;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(entry) = self.log.entries().get_mut(self.index) {
            entry.outcome = self.outcome;
        }
        self.log.changes.send_replace(());
    }
}
