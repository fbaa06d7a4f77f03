//! What is under way and asks for more, and what has happened already.

use super::*;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn limit(limit: i64, spent: i64, reserved: i64) -> Limit {
    Limit {
        state: state(limit, spent, reserved),
        head: None,
    }
}

fn observed(of: Limit) -> Limit {
    let mode = BudgetMode::Observe;
    Limit {
        state: LimitState { mode, ..of.state },
        ..of
    }
}

/// Somebody has waited there for so many milliseconds, for `need`.
fn awaited(of: Limit, need: i64, millis: i64) -> Limit {
    let head = Head {
        id: WaiterId(Uuid::from_u128(1)),
        since: NOW - TimeDelta::milliseconds(millis),
        need: Micros(need),
        expires_at: NOW + TimeDelta::seconds(1),
    };
    Limit {
        head: Some(head),
        ..of
    }
}

#[test]
fn more_is_held_under_all_limits_or_none() {
    // 20 are held already.
    let check = |limits: &[Limit], hold: i64, expected| {
        let decided = extend(limits, Micros(20), Micros(hold), NOW);
        assert_eq!(decided, expected, "{limits:?} {hold}");
    };
    let refused = |limit| Extension::Refused { limit };
    let later = |limit| Extension::RetryLater { limit };
    check(&[], i64::MAX, Extension::Granted);
    check(&[limit(100, 20, 30)], 70, Extension::Granted);
    check(&[limit(100, 20, 30)], 71, later(0));
    check(&[limit(100, 20, 30)], 80, later(0));
    check(&[limit(100, 20, 30)], 81, refused(0));
    // What it holds itself is not in its way later either.
    check(&[limit(100, 20, 20)], 80, Extension::Granted);
    check(&[limit(100, 20, 20)], 81, refused(0));
    check(&[limit(0, 0, 20)], 21, refused(0));
    // Also when the limit was lowered below what is spent.
    check(&[limit(100, 150, 20)], 21, refused(0));
    // The one with the least left is named.
    check(
        &[limit(100, 0, 20), limit(90, 0, 60)],
        50,
        Extension::Granted,
    );
    check(&[limit(100, 0, 20), limit(90, 0, 60)], 51, later(1));
    check(&[limit(100, 0, 80), limit(90, 60, 20)], 31, refused(1));
    // Who only looks on is in nobody's way.
    check(&[observed(limit(10, 10, 0))], 999, Extension::Granted);
    check(
        &[observed(limit(10, 10, 0)), limit(90, 0, 60)],
        51,
        later(1),
    );
}

#[test]
fn more_is_not_held_past_those_who_wait() {
    let check = |limit: Limit, hold: i64, expected| {
        let decided = extend(&[limit], Micros(20), Micros(hold), NOW);
        assert_eq!(decided, expected, "{limit:?} {hold}");
    };
    let later = Extension::RetryLater { limit: 0 };
    let place = limit(100, 0, 40);
    check(awaited(place, 50, 2_000), 30, Extension::Granted);
    check(awaited(place, 51, 2_000), 30, later);
    check(awaited(place, 51, 500), 30, Extension::Granted);
    let watched = observed(awaited(place, 51, 2_000));
    check(watched, 30, Extension::Granted);
}

#[test]
fn a_cost_passes_the_limit_with_the_least_room() {
    let check = |limits: &[LimitState], cost: i64, expected| {
        assert_eq!(passed(limits, Micros(cost)), expected, "{limits:?} {cost}");
    };
    let watched = LimitState {
        mode: BudgetMode::Observe,
        ..state(1, 1, 0)
    };
    check(&[], i64::MAX, None);
    check(&[state(100, 20, 30)], 50, None);
    check(&[state(100, 20, 30)], 51, Some(0));
    check(&[state(100, 0, 0), state(50, 0, 0)], 51, Some(1));
    check(&[state(100, 0, 0), state(50, 0, 0)], 101, Some(1));
    check(&[state(50, 0, 0), state(50, 0, 0)], 51, Some(0));
    check(&[watched, state(50, 0, 0)], 50, None);
    check(&[watched, state(50, 0, 0)], 51, Some(1));
    check(&[state(0, 0, 0)], 0, None);
    check(&[state(10, 20, 0)], 0, None);
    check(&[state(10, 20, 0)], 1, Some(0));
}
