//! How far the open streams have come, so that a crash is charged by what was received.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use model::{ReservationId, spend::Progress};

/// The streams that are being read.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenStreams {
    streams: Arc<Mutex<HashMap<ReservationId, Arc<Tally>>>>,
}

#[derive(Debug)]
struct Tally {
    most: u64,
    received: AtomicU64,
    saved: AtomicU64,
}

/// One stream; it leaves the list when this is dropped.
#[derive(Debug)]
pub(crate) struct StreamProgress {
    streams: OpenStreams,
    id: ReservationId,
    tally: Arc<Tally>,
}

impl OpenStreams {
    /// Adds a stream that can receive at most `most` output tokens.
    pub(crate) fn open(&self, id: ReservationId, most: u64) -> StreamProgress {
        let tally = Tally {
            most,
            received: AtomicU64::new(0),
            saved: AtomicU64::new(0),
        };
        let tally = Arc::new(tally);
        self.lock().insert(id, Arc::clone(&tally));
        StreamProgress {
            streams: self.clone(),
            id,
            tally,
        }
    }

    /// What has changed since it was last saved, as steps to be saved; [`OpenStreams::saved`] confirms them.
    pub(crate) fn unsaved(&self) -> Vec<Progress> {
        let streams = self.lock();
        let changed = streams.iter().filter_map(|(id, tally)| {
            let received = tally.received.load(Ordering::Relaxed);
            let changed = received > tally.saved.load(Ordering::Relaxed);
            changed.then_some(Progress {
                id: *id,
                output_tokens: received,
            })
        });
        changed.collect()
    }

    /// Notes that these steps are durable.
    pub(crate) fn saved(&self, steps: &[Progress]) {
        let streams = self.lock();
        for step in steps {
            if let Some(tally) = streams.get(&step.id) {
                tally.saved.fetch_max(step.output_tokens, Ordering::Relaxed);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ReservationId, Arc<Tally>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamProgress {
    /// Notes that this many bytes of output have been received: no token has less than one.
    pub(crate) fn received(&self, bytes: u64) {
        self.tally
            .received
            .fetch_max(bytes.min(self.tally.most), Ordering::Relaxed);
    }
}

impl Drop for StreamProgress {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn only_changes_are_saved_and_closed_streams_are_forgotten() {
        let (open, id) = (OpenStreams::default(), ReservationId(Uuid::from_u128(1)));
        let stream = open.open(id, 10);
        assert_eq!(open.unsaved(), []);
        stream.received(4);
        let steps = open.unsaved();
        assert_eq!(
            steps,
            [Progress {
                id,
                output_tokens: 4
            }]
        );
        // Not confirmed: it is offered again.
        assert_eq!(open.unsaved(), steps);
        open.saved(&steps);
        assert_eq!(open.unsaved(), []);
        stream.received(400);
        assert_eq!(
            open.unsaved(),
            [Progress {
                id,
                output_tokens: 10
            }]
        );
        drop(stream);
        assert_eq!(open.unsaved(), []);
    }
}
