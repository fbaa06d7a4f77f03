//! Lines, calls and their handing on.

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
    (0..=changes::REMEMBERED).for_each(|_| queue.wake(BOBS));
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
    let wait = |user, limits: &[LimitKey]| queue.join(user).wait(DateTime::UNIX_EPOCH, id, limits);
    assert_eq!(wait(ANN, &[ANNS]), Err(Full));
    assert_eq!(wait(ANN, &[POOL]), Err(Full));
    assert_eq!(wait(BOB, &[POOL]), Ok(()));
}
