//! The waiters of this server, a line per person: first come, first served, and a bounded number.
//!
//! A waiter holds nothing. It is told to look again when something may have changed: a settlement wakes the
//! first of the line, who hands the call on when it leaves the line or while it may still be passed. So one
//! settlement never makes the whole line run to the database at once.
//!
//! The line is in the order of the instants at which the ledger told the waiters to wait, which is the order
//! that the ledger itself keeps among all servers: whoever is first here must be the one that the ledger keeps
//! room for, or both would wait for each other.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, Utc};
use model::{ReservationId, UserId};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How many requests of one person ask the ledger at the same time. There they wait for each other anyway, each
/// with a connection that somebody else needs.
const ASKING: usize = 2;

/// All lines.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    most: usize,
    lines: Mutex<HashMap<UserId, Line>>,
}

/// A place in the order: the instant, and the id for those of the same instant.
type Place = (DateTime<Utc>, ReservationId);

/// One person's requests.
#[derive(Debug)]
struct Line {
    /// Who may ask the ledger.
    turns: Arc<Semaphore>,
    /// They ask for the first time.
    arriving: Vec<Arc<Slot>>,
    /// They were told to wait.
    waiting: BTreeMap<Place, Arc<Slot>>,
}

/// What a request is called by.
#[derive(Debug, Default)]
struct Slot {
    call: Notify,
    called: AtomicBool,
}

impl Slot {
    fn wake(&self) {
        self.called.store(true, Ordering::Release);
        self.call.notify_one();
    }
}

impl Default for Line {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(ASKING)),
            arriving: Vec::new(),
            waiting: BTreeMap::new(),
        }
    }
}

impl Line {
    /// Something may have changed.
    fn wake(&self) {
        match self.waiting.first_key_value() {
            Some((_, first)) => first.wake(),
            // Each of them may have been told to wait just before the change.
            None => self.arriving.iter().for_each(|slot| slot.wake()),
        }
    }

    fn wake_after(&self, place: Place) {
        let behind = (Bound::Excluded(place), Bound::Unbounded);
        if let Some((_, next)) = self.waiting.range(behind).next() {
            next.wake();
        }
    }

    fn is_first(&self, place: Place) -> bool {
        self.waiting
            .first_key_value()
            .is_some_and(|(first, _)| *first == place)
    }
}

/// The line is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// A request's part in a line, taken before it first asks, so that no call is lost. Dropping it leaves the line
/// and hands on a call that was not used.
#[derive(Debug)]
pub(crate) struct Ticket {
    queue: Queue,
    user: UserId,
    slot: Arc<Slot>,
    turns: Arc<Semaphore>,
    /// Where it waits, once it does.
    place: Option<Place>,
    /// A call was taken by [`Ticket::begin_look`] and not handed on yet.
    holds_call: bool,
}

impl Queue {
    /// Lines of at most `most` waiters each.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                most,
                lines: Mutex::default(),
            }),
        }
    }

    /// Joins a person's line without a place yet.
    pub(crate) fn join(&self, user: UserId) -> Ticket {
        let slot = Arc::new(Slot::default());
        let mut lines = self.lines();
        let line = lines.entry(user).or_default();
        line.arriving.push(Arc::clone(&slot));
        Ticket {
            queue: self.clone(),
            user,
            slot,
            turns: Arc::clone(&line.turns),
            place: None,
            holds_call: false,
        }
    }

    /// Something may have changed for this person: the first of the line looks again.
    pub(crate) fn wake(&self, user: UserId) {
        if let Some(line) = self.lines().get(&user) {
            line.wake();
        }
    }

    /// Something may have changed for everybody.
    pub(crate) fn wake_all(&self) {
        self.lines().values().for_each(Line::wake);
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<UserId, Line>> {
        // The lines are consistent between any two statements, so a panic elsewhere does not spoil them.
        self.inner
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Starts to wait, since the instant at which the ledger said so.
    ///
    /// # Errors
    /// [`Full`] when as many as may wait do so already.
    pub(crate) fn wait(&mut self, since: DateTime<Utc>, id: ReservationId) -> Result<(), Full> {
        let mut lines = self.queue.lines();
        let line = lines.entry(self.user).or_default();
        if line.waiting.len() >= self.queue.inner.most {
            return Err(Full);
        }
        line.arriving.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
        line.waiting.insert((since, id), Arc::clone(&self.slot));
        self.place = Some((since, id));
        Ok(())
    }

    /// Resolves when this request may ask the ledger, in the order in which this was called, and until what it
    /// resolves to is dropped.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // An error would mean that the semaphore was closed, which nobody does.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Resolves when this request is called.
    pub(crate) async fn called(&self) {
        self.slot.call.notified().await;
    }

    /// Whether nobody waits before this request.
    pub(crate) fn first(&self) -> bool {
        let lines = self.queue.lines();
        self.place
            .zip(lines.get(&self.user))
            .is_some_and(|(place, line)| line.is_first(place))
    }

    /// To be called before looking: takes the call, if there is one. `own` says that the first looks of its own
    /// accord, which counts as a call.
    pub(crate) fn begin_look(&mut self, own: bool) {
        self.holds_call |= self.slot.called.swap(false, Ordering::AcqRel) || own;
    }

    /// The look led to nothing and the next one may pass: hands the call on.
    pub(crate) fn hand_on(&mut self) {
        if std::mem::take(&mut self.holds_call)
            && let Some(place) = self.place
            && let Some(line) = self.queue.lines().get(&self.user)
        {
            line.wake_after(place);
        }
    }

    /// The look led to nothing and nobody may pass: the call is used up.
    pub(crate) fn keep_call(&mut self) {
        self.holds_call = false;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut lines = self.queue.lines();
        let Some(line) = lines.get_mut(&self.user) else {
            return;
        };
        match self.place {
            Some(place) => {
                if line.is_first(place)
                    || self.holds_call
                    || self.slot.called.load(Ordering::Acquire)
                {
                    line.wake_after(place);
                }
                line.waiting.remove(&place);
            }
            None => line.arriving.retain(|slot| !Arc::ptr_eq(slot, &self.slot)),
        }
        if line.waiting.is_empty() && line.arriving.is_empty() {
            lines.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use uuid::Uuid;

    const ANN: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));

    fn called(ticket: &Ticket) -> bool {
        ticket.called().now_or_never().is_some()
    }

    /// A waiter since this second.
    fn waiter(queue: &Queue, user: UserId, since: u32) -> Ticket {
        let mut ticket = queue.join(user);
        let id = ReservationId(Uuid::from_u128(since.into()));
        let since = DateTime::from_timestamp(since.into(), 0).unwrap();
        ticket.wait(since, id).unwrap();
        ticket
    }

    #[test]
    fn a_settlement_calls_the_first_of_that_person_only() {
        let queue = Queue::new(9);
        // The ledger told the second one first to wait.
        let (second, first) = (waiter(&queue, ANN, 7), waiter(&queue, ANN, 5));
        let other = waiter(&queue, BOB, 1);
        queue.wake(ANN);
        assert_eq!(
            (called(&first), called(&second), called(&other)),
            (true, false, false)
        );
        queue.wake_all();
        assert_eq!(
            (called(&first), called(&second), called(&other)),
            (true, false, true)
        );
        assert_eq!(
            (first.first(), second.first(), other.first()),
            (true, false, true)
        );
    }

    #[test]
    fn a_call_is_handed_on_once_and_in_order() {
        let queue = Queue::new(9);
        let mut first = waiter(&queue, ANN, 1);
        let (mut second, third) = (waiter(&queue, ANN, 2), waiter(&queue, ANN, 3));
        queue.wake(ANN);
        first.begin_look(false);
        first.hand_on();
        first.hand_on();
        assert_eq!((called(&second), called(&third)), (true, false));
        second.begin_look(false);
        second.keep_call();
        second.hand_on();
        assert!(!called(&third));
    }

    #[test]
    fn whoever_leaves_hands_on_what_it_did_not_use() {
        let queue = Queue::new(9);
        let (first, mut second) = (waiter(&queue, ANN, 1), waiter(&queue, ANN, 2));
        let third = waiter(&queue, ANN, 3);
        // Called and gone; also a first that leaves uncalled makes the next one the first, who must look.
        drop(first);
        assert!(called(&second));
        // Called by the first, admitted, so that there may be room for one more.
        second.begin_look(false);
        drop(second);
        assert!(called(&third));
        drop(third);
        assert!(queue.lines().is_empty());
    }

    #[test]
    fn those_who_ask_for_the_first_time_miss_no_change() {
        let queue = Queue::new(9);
        let (one, two) = (queue.join(ANN), queue.join(ANN));
        queue.wake(ANN);
        assert_eq!((called(&one), called(&two)), (true, true));
        // One that is admitted at once calls nobody, and nobody who asks is called while others wait.
        let third = waiter(&queue, ANN, 3);
        drop(one);
        assert!(!called(&third));
        queue.wake(ANN);
        assert_eq!((called(&two), called(&third)), (false, true));
        assert!(!two.first());
    }

    #[test]
    fn one_person_asks_the_ledger_twice_at_a_time() {
        let queue = Queue::new(9);
        let tickets = [queue.join(ANN), queue.join(ANN), queue.join(ANN)];
        let turn = |ticket: &Ticket| ticket.turn().now_or_never().flatten();
        let (first, second) = (turn(&tickets[0]), turn(&tickets[1]));
        assert!(first.is_some() && second.is_some() && turn(&tickets[2]).is_none());
        assert!(turn(&queue.join(BOB)).is_some());
        drop(first);
        assert!(turn(&tickets[2]).is_some());
    }

    #[test]
    fn the_number_of_waiters_is_bounded_for_each_person() {
        let queue = Queue::new(2);
        let _waiting = [waiter(&queue, ANN, 1), waiter(&queue, ANN, 2)];
        let id = ReservationId(Uuid::from_u128(3));
        assert_eq!(queue.join(ANN).wait(DateTime::UNIX_EPOCH, id), Err(Full));
        assert_eq!(queue.join(BOB).wait(DateTime::UNIX_EPOCH, id), Ok(()));
    }
}
