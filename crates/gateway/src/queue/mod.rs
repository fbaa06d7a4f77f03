//! The waiters of this server, a line per limit: first come, first served, and a bounded number for each person.
//!
//! A waiter holds nothing, and stands in the line of every limit that is in its way. It is told to look again when
//! something may have changed: a settlement wakes the first of the line, who hands the call on when it leaves the
//! line or while it may still be passed. So one settlement never makes the whole line run to the database at once.
//!
//! A line is in the order of the instants at which the ledger told the waiters to wait, which is the order that the
//! ledger itself keeps among all servers: whoever is first here must be the one that the ledger keeps room for, or
//! both would wait for each other.

mod changes;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use model::{UserId, WaiterId, spend::LimitKey};
use tokio::sync::Notify;

use self::changes::Changes;

/// All lines.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    most: usize,
    lines: Mutex<Lines>,
}

/// A place in the order: the instant, and the waiter for those of the same instant.
type Place = (DateTime<Utc>, WaiterId);

#[derive(Debug, Default)]
struct Lines {
    waiting: HashMap<LimitKey, BTreeMap<Place, Arc<Slot>>>,
    /// How many requests of each person wait.
    people: HashMap<UserId, usize>,
    changes: Changes,
}

/// What a request is called by.
#[derive(Debug, Default)]
struct Slot {
    call: Notify,
    /// The lines that called it.
    called: Mutex<BTreeSet<LimitKey>>,
}

impl Slot {
    fn wake(&self, limit: LimitKey) {
        self.called().insert(limit);
        self.call.notify_one();
    }

    fn called(&self) -> MutexGuard<'_, BTreeSet<LimitKey>> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn wake_first(&self, limit: LimitKey) {
        let first = self.waiting.get(&limit).and_then(BTreeMap::first_key_value);
        if let Some((_, first)) = first {
            first.wake(limit);
        }
    }

    fn wake_after(&self, limit: LimitKey, place: Place) {
        let behind = (Bound::Excluded(place), Bound::Unbounded);
        let next = self
            .waiting
            .get(&limit)
            .and_then(|line| line.range(behind).next());
        if let Some((_, next)) = next {
            next.wake(limit);
        }
    }

    fn is_first(&self, limit: LimitKey, place: Place) -> bool {
        let first = self.waiting.get(&limit).and_then(BTreeMap::first_key_value);
        first.is_some_and(|(first, _)| *first == place)
    }
}

/// As many as may wait do so already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// A request's part in the lines, taken before it first asks, so that no call is lost. Dropping it leaves them and
/// hands on calls that were not used.
#[derive(Debug)]
pub(crate) struct Ticket {
    queue: Queue,
    user: UserId,
    slot: Arc<Slot>,
    /// Where it waits, once it does.
    place: Option<Place>,
    /// In which lines.
    limits: BTreeSet<LimitKey>,
    /// Calls that were taken by [`Ticket::begin_look`] and not handed on yet.
    held: BTreeSet<LimitKey>,
    /// How many changes there had been when it last began to look.
    seen: u64,
}

impl Queue {
    /// Lines in which at most `most` requests of a person wait.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                most,
                lines: Mutex::default(),
            }),
        }
    }

    /// A ticket without a place yet.
    pub(crate) fn join(&self, user: UserId) -> Ticket {
        Ticket {
            queue: self.clone(),
            user,
            slot: Arc::default(),
            place: None,
            limits: BTreeSet::new(),
            held: BTreeSet::new(),
            seen: self.lines().changes.count(),
        }
    }

    /// Something may have changed at this limit: the first of its line looks again.
    pub(crate) fn wake(&self, limit: LimitKey) {
        let mut lines = self.lines();
        lines.changes.note(limit);
        lines.wake_first(limit);
    }

    /// Something may have changed everywhere.
    pub(crate) fn wake_all(&self) {
        let mut lines = self.lines();
        lines.changes.note_everywhere();
        for limit in lines.waiting.keys() {
            lines.wake_first(*limit);
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // The lines are consistent between any two statements, so a panic elsewhere does not spoil them.
        self.inner
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Waits at these limits, and at no others, since the instant at which the ledger first said so.
    ///
    /// # Errors
    /// [`Full`] when as many as may wait do so already.
    pub(crate) fn wait(
        &mut self,
        since: DateTime<Utc>,
        waiter: WaiterId,
        limits: &[LimitKey],
    ) -> Result<(), Full> {
        let wanted: BTreeSet<LimitKey> = limits.iter().copied().collect();
        let queue = self.queue.clone();
        let mut lines = queue.lines();
        let place = match self.place {
            Some(place) => place,
            None => {
                let waiting = lines.people.entry(self.user).or_default();
                if *waiting >= queue.inner.most {
                    return Err(Full);
                }
                *waiting += 1;
                *self.place.insert((since, waiter))
            }
        };
        let left: Vec<LimitKey> = self.limits.difference(&wanted).copied().collect();
        for limit in left {
            self.leave(&mut lines, place, limit);
        }
        for limit in wanted {
            let line = lines.waiting.entry(limit).or_default();
            line.insert(place, Arc::clone(&self.slot));
            if self.limits.insert(limit) && lines.changes.since(self.seen, limit) {
                self.slot.wake(limit);
            }
        }
        Ok(())
    }

    /// Leaves a line. A first that leaves makes the next one the first, who must look.
    fn leave(&mut self, lines: &mut Lines, place: Place, limit: LimitKey) {
        let called = self.slot.called().remove(&limit);
        let held = self.held.remove(&limit);
        if called || held || lines.is_first(limit, place) {
            lines.wake_after(limit, place);
        }
        if let Some(line) = lines.waiting.get_mut(&limit) {
            line.remove(&place);
            if line.is_empty() {
                lines.waiting.remove(&limit);
            }
        }
        self.limits.remove(&limit);
    }

    /// Resolves when this request is called.
    pub(crate) async fn called(&self) {
        self.slot.call.notified().await;
    }

    /// Whether nobody waits before this request in some line: then nobody else looks of its own accord there.
    pub(crate) fn first(&self) -> bool {
        let lines = self.queue.lines();
        self.place.is_some_and(|place| {
            self.limits
                .iter()
                .any(|limit| lines.is_first(*limit, place))
        })
    }

    /// To be called before looking: takes the calls, if there are any. `own` says that it looks of its own accord,
    /// which counts as a call from every line.
    pub(crate) fn begin_look(&mut self, own: bool) {
        self.seen = self.queue.lines().changes.count();
        self.held.append(&mut self.slot.called());
        if own {
            self.held.extend(&self.limits);
        }
    }

    /// The look led to nothing and the next one may pass: hands the calls on.
    pub(crate) fn hand_on(&mut self) {
        let held = std::mem::take(&mut self.held);
        if let Some(place) = self.place {
            let lines = self.queue.lines();
            for limit in held {
                lines.wake_after(limit, place);
            }
        }
    }

    /// The look led to nothing and nobody may pass: the calls are used up.
    pub(crate) fn keep_call(&mut self) {
        self.held.clear();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let queue = self.queue.clone();
        let mut lines = queue.lines();
        for limit in std::mem::take(&mut self.limits) {
            self.leave(&mut lines, place, limit);
        }
        if let Some(waiting) = lines.people.get_mut(&self.user) {
            *waiting -= 1;
            if *waiting == 0 {
                lines.people.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests;
