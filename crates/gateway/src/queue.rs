//! The waiters of this server, a line per limit: first come, first served, and a bounded number for each person.
//!
//! A waiter holds nothing, and stands in the line of every limit that is in its way. It is told to look again when
//! something may have changed: a settlement wakes the first of the line, who hands the call on when it leaves the
//! line or while it may still be passed. So one settlement never makes the whole line run to the database at once.
//!
//! A line is in the order of the instants at which the ledger told the waiters to wait, which is the order that the
//! ledger itself keeps among all servers: whoever is first here must be the one that the ledger keeps room for, or
//! both would wait for each other.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use model::{UserId, WaiterId, spend::LimitKey};
use tokio::sync::Notify;

/// How many changes are remembered for those who are asking the ledger meanwhile.
const REMEMBERED: usize = 1024;

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

/// What changed lately. Whoever asks the ledger and is told to wait may have missed a change in between, and must
/// look again.
#[derive(Debug, Default)]
struct Changes {
    /// How many there were.
    count: u64,
    latest: VecDeque<(u64, LimitKey)>,
    /// When everything may have changed.
    everywhere: u64,
}

impl Changes {
    fn note(&mut self, limit: LimitKey) {
        self.count += 1;
        if self.latest.len() == REMEMBERED {
            self.latest.pop_front();
        }
        self.latest.push_back((self.count, limit));
    }

    fn note_everywhere(&mut self) {
        self.count += 1;
        self.everywhere = self.count;
        self.latest.clear();
    }

    /// Whether there may have been a change at this limit since so many of them.
    fn since(&self, seen: u64, limit: LimitKey) -> bool {
        let forgotten = self.latest.len() == REMEMBERED
            && self
                .latest
                .front()
                .is_some_and(|(first, _)| *first > seen + 1);
        let later = |(change, at): &(u64, LimitKey)| *change > seen && *at == limit;
        forgotten || self.everywhere > seen || self.latest.iter().rev().any(later)
    }
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
            seen: self.lines().changes.count,
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
        self.seen = self.queue.lines().changes.count;
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
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use model::GroupId;
    use uuid::Uuid;

    const ANN: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const ANNS: LimitKey = LimitKey::user(ANN);
    const BOBS: LimitKey = LimitKey::user(BOB);
    const POOL: LimitKey = LimitKey::pool(GroupId(Uuid::from_u128(3)));

    fn called(ticket: &Ticket) -> bool {
        ticket.called().now_or_never().is_some()
    }

    fn wait_at(ticket: &mut Ticket, since: u32, limits: &[LimitKey]) {
        let id = WaiterId(Uuid::from_u128(since.into()));
        let since = DateTime::from_timestamp(since.into(), 0).unwrap();
        ticket.wait(since, id, limits).unwrap();
    }

    /// A waiter since this second.
    fn waiter(queue: &Queue, user: UserId, since: u32) -> Ticket {
        let mut ticket = queue.join(user);
        wait_at(&mut ticket, since, &[LimitKey::user(user)]);
        ticket
    }

    #[test]
    fn a_settlement_calls_the_first_of_that_person_only() {
        let queue = Queue::new(9);
        // The ledger told the second one first to wait.
        let (second, first) = (waiter(&queue, ANN, 7), waiter(&queue, ANN, 5));
        let other = waiter(&queue, BOB, 1);
        queue.wake(ANNS);
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
        queue.wake(ANNS);
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
        assert!(queue.lines().waiting.is_empty() && queue.lines().people.is_empty());
    }

    #[test]
    fn those_who_ask_miss_no_change() {
        let queue = Queue::new(9);
        let (mut one, mut two) = (queue.join(ANN), queue.join(ANN));
        queue.wake(ANNS);
        wait_at(&mut one, 1, &[ANNS]);
        wait_at(&mut two, 2, &[ANNS]);
        assert_eq!((called(&one), called(&two)), (true, true));
        // What changed before it asked, or elsewhere, is no change.
        let mut three = queue.join(ANN);
        queue.wake(BOBS);
        wait_at(&mut three, 3, &[ANNS, POOL]);
        assert!(!called(&three));
        // So many changes that nobody remembers them all.
        let mut four = queue.join(ANN);
        (0..=REMEMBERED).for_each(|_| queue.wake(BOBS));
        wait_at(&mut four, 4, &[POOL]);
        assert!(called(&four));
        let mut five = queue.join(BOB);
        queue.wake_all();
        wait_at(&mut five, 5, &[BOBS]);
        assert!(called(&five));
    }

    #[test]
    fn a_waiter_stands_in_the_line_of_every_limit_in_its_way() {
        let queue = Queue::new(9);
        let (mut ann, mut bob) = (queue.join(ANN), queue.join(BOB));
        wait_at(&mut ann, 1, &[ANNS, POOL]);
        wait_at(&mut bob, 2, &[BOBS, POOL]);
        queue.wake(POOL);
        assert_eq!((called(&ann), called(&bob)), (true, false));
        queue.wake(BOBS);
        assert!(called(&bob));
        // Only the person's own limit is in Ann's way now: the pool's line is Bob's, who must look.
        ann.begin_look(false);
        wait_at(&mut ann, 1, &[ANNS]);
        assert!(called(&bob) && bob.first());
        drop(bob);
        queue.wake(POOL);
        assert!(!called(&ann));
        queue.wake(ANNS);
        assert!(called(&ann));
    }

    #[test]
    fn the_number_of_waiters_is_bounded_for_each_person() {
        let queue = Queue::new(2);
        let _waiting = [waiter(&queue, ANN, 1), waiter(&queue, ANN, 2)];
        let id = WaiterId(Uuid::from_u128(3));
        let wait =
            |user, limits: &[LimitKey]| queue.join(user).wait(DateTime::UNIX_EPOCH, id, limits);
        assert_eq!(wait(ANN, &[ANNS]), Err(Full));
        assert_eq!(wait(ANN, &[POOL]), Err(Full));
        assert_eq!(wait(BOB, &[POOL]), Ok(()));
    }
}
