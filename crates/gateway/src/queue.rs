//! The waiters of this server, a line per person: first come, first served, and a bounded number.
//!
//! A waiter holds nothing. It is told to look again when something may have changed: a settlement wakes the
//! first of the line, who hands the call on when it leaves the line or while it may still be passed. So one
//! settlement never makes the whole line run to the database at once. Order among servers is kept by the
//! ledger; this line only decides who looks.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use model::UserId;
use tokio::sync::Notify;

/// All lines.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    most: usize,
    lines: Mutex<HashMap<UserId, VecDeque<Arc<Slot>>>>,
}

/// A place in a line.
#[derive(Debug, Default)]
struct Slot {
    call: Notify,
    called: AtomicBool,
    waiting: AtomicBool,
}

impl Slot {
    fn wake(&self) {
        self.called.store(true, Ordering::Release);
        self.call.notify_one();
    }
}

/// The line is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// A request's place, taken before it first asks, so that no call is lost. Dropping it leaves the line and
/// hands on a call that was not used.
#[derive(Debug)]
pub(crate) struct Ticket {
    queue: Queue,
    user: UserId,
    slot: Arc<Slot>,
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

    /// Takes the last place of a person's line.
    pub(crate) fn join(&self, user: UserId) -> Ticket {
        let slot = Arc::new(Slot::default());
        self.lines()
            .entry(user)
            .or_default()
            .push_back(Arc::clone(&slot));
        Ticket {
            queue: self.clone(),
            user,
            slot,
            holds_call: false,
        }
    }

    /// Something may have changed for this person: the first of the line looks again.
    pub(crate) fn wake(&self, user: UserId) {
        if let Some(first) = self.lines().get(&user).and_then(VecDeque::front) {
            first.wake();
        }
    }

    /// Something may have changed for everybody.
    pub(crate) fn wake_all(&self) {
        for first in self.lines().values().filter_map(VecDeque::front) {
            first.wake();
        }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<UserId, VecDeque<Arc<Slot>>>> {
        // The lines are consistent between any two statements, so a panic elsewhere does not spoil them.
        self.inner
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Starts to wait.
    ///
    /// # Errors
    /// [`Full`] when as many as may wait do so already.
    pub(crate) fn wait(&self) -> Result<(), Full> {
        let lines = self.queue.lines();
        let line = lines.get(&self.user).into_iter().flatten();
        let waiting = line
            .filter(|slot| slot.waiting.load(Ordering::Acquire))
            .count();
        if waiting >= self.queue.inner.most {
            return Err(Full);
        }
        self.slot.waiting.store(true, Ordering::Release);
        Ok(())
    }

    /// Resolves when this place is called.
    pub(crate) async fn called(&self) {
        self.slot.call.notified().await;
    }

    /// Whether nobody stands before this place.
    pub(crate) fn first(&self) -> bool {
        let lines = self.queue.lines();
        lines
            .get(&self.user)
            .and_then(VecDeque::front)
            .is_some_and(|slot| self.is(slot))
    }

    /// To be called before looking: takes the call, if there is one. `own` says that the look is of the
    /// waiter's own accord, which counts as a call.
    pub(crate) fn begin_look(&mut self, own: bool) {
        self.holds_call |= self.slot.called.swap(false, Ordering::AcqRel) || own;
    }

    /// The look led to nothing and the next one may pass: hands the call on.
    pub(crate) fn hand_on(&mut self) {
        if std::mem::take(&mut self.holds_call) {
            self.wake_next(&self.queue.lines());
        }
    }

    /// The look led to nothing and nobody may pass: the call is used up.
    pub(crate) fn keep_call(&mut self) {
        self.holds_call = false;
    }

    fn is(&self, slot: &Arc<Slot>) -> bool {
        Arc::ptr_eq(slot, &self.slot)
    }

    fn wake_next(&self, lines: &HashMap<UserId, VecDeque<Arc<Slot>>>) {
        let line = lines.get(&self.user).into_iter().flatten();
        if let Some(next) = line.skip_while(|slot| !self.is(slot)).nth(1) {
            next.wake();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut lines = self.queue.lines();
        let led = self.slot.waiting.load(Ordering::Acquire)
            && lines
                .get(&self.user)
                .and_then(VecDeque::front)
                .is_some_and(|slot| self.is(slot));
        if led || self.holds_call || self.slot.called.load(Ordering::Acquire) {
            self.wake_next(&lines);
        }
        if let Some(line) = lines.get_mut(&self.user) {
            line.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if line.is_empty() {
                lines.remove(&self.user);
            }
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

    #[test]
    fn a_settlement_calls_the_first_of_that_person_only() {
        let queue = Queue::new(9);
        let (first, second, other) = (queue.join(ANN), queue.join(ANN), queue.join(BOB));
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
    }

    #[test]
    fn a_call_is_handed_on_once_and_in_order() {
        let queue = Queue::new(9);
        let (mut first, mut second, third) = (queue.join(ANN), queue.join(ANN), queue.join(ANN));
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
        let (first, second) = (queue.join(ANN), queue.join(ANN));
        queue.wake(ANN);
        drop(first);
        assert!(called(&second));
        // A look of one's own that leads to admission lets the next one look.
        let mut second = second;
        second.begin_look(true);
        let third = queue.join(ANN);
        drop(second);
        assert!(called(&third));
        drop(third);
        assert!(queue.lines().is_empty());
    }

    #[test]
    fn an_arrival_that_is_admitted_at_once_calls_nobody() {
        let queue = Queue::new(9);
        let (first, second) = (queue.join(ANN), queue.join(ANN));
        drop(first);
        assert!(!called(&second));
        assert!(second.first());
        // But a leader that waited makes the next one the leader, who must look.
        second.wait().unwrap();
        let third = queue.join(ANN);
        drop(second);
        assert!(called(&third));
    }

    #[test]
    fn the_number_of_waiters_is_bounded_for_each_person() {
        let queue = Queue::new(2);
        let tickets: Vec<Ticket> = (0..3).map(|_| queue.join(ANN)).collect();
        assert_eq!(tickets[0].wait(), Ok(()));
        assert_eq!(tickets[1].wait(), Ok(()));
        assert_eq!(tickets[2].wait(), Err(Full));
        assert_eq!(queue.join(BOB).wait(), Ok(()));
    }
}
