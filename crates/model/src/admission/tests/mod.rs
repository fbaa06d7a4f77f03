//! The rules of admission as tables.

mod ongoing;
mod properties;

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::*;
use crate::{
    Micros, WaiterId,
    budgets::BudgetMode,
    prices::{ModelPrice, PriceBook},
    spend::NotBounded,
};

/// 100 micros for the prompt, one micro per token of the answer.
fn ask(cap: u64, floor: u64) -> WorstCase {
    WorstCase {
        input_cost: Micros(100),
        output_price: 1_000_000,
        choices: 1,
        cap,
        floor,
        fees: Micros::ZERO,
    }
}

fn state(limit: i64, spent: i64, reserved: i64) -> LimitState {
    LimitState {
        limit: Micros(limit),
        spent: Micros(spent),
        reserved: Micros(reserved),
        mode: BudgetMode::Enforce,
    }
}

fn admitted(hold: i64, cap: u64, lowered: bool) -> Verdict {
    Verdict::Admit {
        hold: Micros(hold),
        cap,
        lowered,
    }
}

#[test]
fn the_input_bound_is_the_smaller_of_bytes_and_window() {
    let check = |bytes, messages, unbounded, window, expected| {
        assert_eq!(
            InputBound {
                bytes,
                messages,
                unbounded
            }
            .tokens(window),
            expected
        );
    };
    check(1_000, 3, false, Some(200_000), Ok(1_024));
    check(1_000, 3, false, None, Ok(1_024));
    check(1_000, 3, false, Some(500), Ok(500));
    check(0, 0, false, Some(500), Ok(0));
    check(10, 1, true, Some(200_000), Ok(200_000));
    check(10, 1, true, None, Err(NotBoundable));
    check(u64::MAX, u64::MAX, false, None, Ok(u64::MAX));
}

#[test]
fn the_output_cap_is_the_clients_or_the_smaller_default() {
    let check = |client, max, default, cap| assert_eq!(output_cap(client, max, default), cap);
    check(Some(100), Some(4_096), 8_192, 100);
    check(Some(100_000), Some(4_096), 8_192, 100_000);
    check(None, Some(4_096), 8_192, 4_096);
    check(None, Some(64_000), 8_192, 8_192);
    check(None, None, 8_192, 8_192);
}

#[test]
fn the_floor_is_sixteen_tokens_or_above_the_thinking_budget() {
    let price = PRICES.first().expect("a price");
    let check = |cap, thinking, floor| {
        let output = OutputAsk {
            cap,
            choices: 1,
            thinking,
        };
        assert_eq!(WorstCase::new(price, 10, output, Micros::ZERO).floor, floor);
    };
    check(1_000, None, 16);
    check(5, None, 5);
    check(0, None, 0);
    check(4_000, Some(1_024), 1_025);
    check(4_000, Some(3), 16);
    check(1_000, Some(1_024), 1_000);
}

#[test]
fn holds_round_up_and_count_every_choice_and_fee() {
    let ask = WorstCase {
        output_price: 1,
        choices: 3,
        fees: Micros(7),
        ..ask(10, 10)
    };
    assert_eq!(ask.hold(0), Micros(107));
    assert_eq!(ask.hold(1), Micros(108));
    assert_eq!(ask.hold(333_333), Micros(108));
    assert_eq!(ask.hold(333_334), Micros(109));
    assert_eq!(ask.hold(u64::MAX).0, 107 + 55_340_232_221_129);
    let dear = WorstCase {
        output_price: u64::MAX,
        choices: u64::MAX,
        ..ask
    };
    assert_eq!(dear.hold(u64::MAX), Micros(i64::MAX));
}

#[test]
fn the_affordable_cap_is_the_highest_that_fits() {
    let check = |ask: WorstCase, rest, cap| assert_eq!(ask.affordable_cap(Micros(rest)), cap);
    check(ask(1_000, 16), 99, None);
    check(ask(1_000, 16), 100, Some(0));
    check(ask(1_000, 16), 116, Some(16));
    check(ask(1_000, 16), 5_000, Some(1_000));
    check(
        WorstCase {
            choices: 4,
            ..ask(1_000, 16)
        },
        111,
        Some(2),
    );
    check(
        WorstCase {
            output_price: 0,
            ..ask(1_000, 16)
        },
        100,
        Some(1_000),
    );
    check(ask(1_000, 16), i64::MIN, None);
}

#[test]
#[rustfmt::skip]
fn one_limit_judges_by_room_and_rest() {
    use {Patience::{Arrived, Expired}, Verdict::{Refuse, RetryLater, Wait}};
    let free = WorstCase { input_cost: Micros::ZERO, output_price: 0, ..ask(10, 10) };
    let rows = [
        // The worst case fits the room: as it is.
        (state(2_000, 0, 0), ask(1_000, 16), Arrived, admitted(1_100, 1_000, false)),
        (state(2_000, 400, 500), ask(1_000, 16), Arrived, admitted(1_100, 1_000, false)),
        (state(2_000, 400, 500), ask(1_000, 16), Expired, admitted(1_100, 1_000, false)),
        // It fits the rest, but not the room: wait, then what the room affords.
        (state(2_000, 400, 501), ask(1_000, 16), Arrived, Wait { limit: 0 }),
        (state(2_000, 400, 501), ask(1_000, 16), Expired, admitted(1_099, 999, true)),
        (state(2_000, 400, 1_484), ask(1_000, 16), Expired, admitted(116, 16, true)),
        (state(2_000, 400, 1_485), ask(1_000, 16), Expired, RetryLater { limit: 0 }),
        (state(2_000, 400, 1_600), ask(1_000, 16), Expired, RetryLater { limit: 0 }),
        // It is above the rest: alone it is lowered at once, else it waits.
        (state(2_000, 1_000, 0), ask(1_000, 16), Arrived, admitted(1_000, 900, true)),
        (state(2_000, 1_000, 1), ask(1_000, 16), Arrived, Wait { limit: 0 }),
        (state(2_000, 1_000, 1), ask(1_000, 16), Expired, admitted(999, 899, true)),
        // Not even the floor fits the rest: never.
        (state(2_000, 1_884, 0), ask(1_000, 16), Arrived, admitted(116, 16, true)),
        (state(2_000, 1_885, 0), ask(1_000, 16), Arrived, Refuse { limit: 0 }),
        (state(2_000, 1_885, 0), ask(1_000, 16), Expired, Refuse { limit: 0 }),
        (state(2_000, 2_500, 0), ask(1_000, 16), Arrived, Refuse { limit: 0 }),
        (state(0, 0, 0), ask(1_000, 16), Arrived, Refuse { limit: 0 }),
        // A thinking budget is never cut.
        (state(2_000, 1_000, 0), ask(1_000, 901), Arrived, Refuse { limit: 0 }),
        (state(2_000, 400, 700), ask(1_000, 900), Expired, RetryLater { limit: 0 }),
        // A model that is free of charge needs no room, but a limit of zero blocks it too.
        (state(10, 10, 0), free, Arrived, admitted(0, 10, false)),
        (state(0, 0, 0), free, Arrived, Refuse { limit: 0 }),
    ];
    for (state, ask, patience, verdict) in rows {
        assert_eq!(judge(&[state], &ask, patience), verdict, "{state:?} {ask:?} {patience:?}");
    }
}

#[test]
fn a_limit_of_zero_blocks_what_costs_nothing_too() {
    let free = WorstCase {
        input_cost: Micros::ZERO,
        output_price: 0,
        ..ask(1_000, 16)
    };
    let check = |limits: &[LimitState], expected| {
        assert_eq!(judge(limits, &free, Patience::Arrived), expected);
    };
    check(&[state(0, 0, 0)], Verdict::Refuse { limit: 0 });
    check(
        &[state(10, 0, 0), state(0, 0, 0)],
        Verdict::Refuse { limit: 1 },
    );
    check(&[state(10, 10, 0)], admitted(0, 1_000, false));
}

#[test]
fn several_limits_admit_together_or_not_at_all() {
    use Patience::{Arrived, Expired};
    let check = |states: &[LimitState], patience, verdict| {
        assert_eq!(
            judge(states, &ask(1_000, 16), patience),
            verdict,
            "{states:?} {patience:?}"
        );
    };
    check(&[], Arrived, admitted(1_100, 1_000, false));
    check(&[], Expired, admitted(1_100, 1_000, false));
    let wide = state(9_000, 0, 0);
    check(&[wide, wide], Arrived, admitted(1_100, 1_000, false));
    check(
        &[wide, state(2_000, 1_990, 0)],
        Arrived,
        Verdict::Refuse { limit: 1 },
    );
    check(
        &[state(2_000, 0, 1_500), wide],
        Arrived,
        Verdict::Wait { limit: 0 },
    );
    // Idle where it is too narrow, busy elsewhere: lowered if the busy one has room for that.
    check(
        &[state(9_000, 0, 1_000), state(500, 0, 0)],
        Arrived,
        admitted(500, 400, true),
    );
    check(
        &[state(9_000, 0, 8_600), state(500, 0, 0)],
        Arrived,
        Verdict::Wait { limit: 0 },
    );
    check(
        &[state(9_000, 0, 8_600), state(500, 0, 0)],
        Expired,
        admitted(400, 300, true),
    );
    check(
        &[state(9_000, 0, 8_990), state(500, 0, 0)],
        Expired,
        Verdict::RetryLater { limit: 0 },
    );
    // Of equals the first is named.
    check(
        &[state(0, 0, 0), state(0, 0, 0)],
        Arrived,
        Verdict::Refuse { limit: 0 },
    );
}

#[test]
fn room_is_kept_for_a_head_that_has_waited_a_second() {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(1);
    let (me, other) = (WaiterId(Uuid::from_u128(1)), WaiterId(Uuid::from_u128(2)));
    let head = Head {
        id: other,
        since: now - TimeDelta::seconds(1),
        need: Micros(60),
        expires_at: now + TimeDelta::milliseconds(1),
    };
    let check = |head: Option<Head>, need, room, yields| {
        let judged = must_yield(head.as_ref(), me, Micros(need), Micros(room), now);
        assert_eq!(judged, yields, "{head:?} {need} {room}");
    };
    check(None, 60, 100, false);
    check(Some(head), 60, 100, true);
    check(Some(head), 40, 100, false);
    check(Some(head), 41, 100, true);
    check(Some(Head { id: me, ..head }), 60, 100, false);
    check(
        Some(Head {
            since: now - TimeDelta::milliseconds(999),
            ..head
        }),
        60,
        100,
        false,
    );
    check(
        Some(Head {
            expires_at: now,
            ..head
        }),
        60,
        100,
        false,
    );
    check(
        Some(Head {
            need: Micros(i64::MAX),
            ..head
        }),
        1,
        i64::MAX,
        false,
    );
}

/// Limits in order; the request needs 1,100, or 116 with its least cap.
#[test]
fn a_request_waits_at_every_limit_that_is_in_its_way() {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(1);
    let me = WaiterId(Uuid::from_u128(1));
    let waiting = Head {
        id: WaiterId(Uuid::from_u128(2)),
        since: now - TimeDelta::seconds(2),
        need: Micros(8_000),
        expires_at: now + TimeDelta::seconds(1),
    };
    let free = |state| Limit { state, head: None };
    let observed = |state: LimitState| {
        free(LimitState {
            mode: BudgetMode::Observe,
            ..state
        })
    };
    let (wide, busy) = (state(9_000, 0, 0), state(2_000, 0, 1_500));
    let kept = Limit {
        state: wide,
        head: Some(waiting),
    };
    let check = |limits: &[Limit], patience, expected: Decision| {
        let decision = decide(limits, &Ok(ask(1_000, 16)), me, patience, now);
        assert_eq!(decision, expected, "{limits:?} {patience:?}");
    };
    let admit = |cap| Decision::Admit {
        hold: Micros(1_100),
        cap,
        lowered: false,
    };
    let wait = |limits: &[usize]| Decision::Wait {
        need: Micros(1_100),
        limits: limits.to_vec(),
    };
    use Patience::{Arrived, Expired};
    check(&[free(wide), free(wide)], Arrived, admit(Some(1_000)));
    check(
        &[free(busy), free(wide), free(busy)],
        Arrived,
        wait(&[0, 2]),
    );
    check(&[free(wide), kept], Arrived, wait(&[1]));
    check(
        &[free(wide), kept],
        Expired,
        Decision::RetryLater { limit: 1 },
    );
    check(
        &[free(wide), free(state(50, 0, 0))],
        Arrived,
        Decision::Refuse { limit: 1 },
    );
    // What is only observed never blocks, whatever its state.
    check(&[observed(busy), free(wide)], Arrived, admit(Some(1_000)));
    check(&[observed(state(0, 5, 5))], Arrived, admit(None));
    check(&[], Arrived, admit(None));
    let unpriced = Err(NotBounded::Unpriced);
    let decision = decide(&[observed(wide), free(wide)], &unpriced, me, Arrived, now);
    let reason = NotBounded::Unpriced;
    assert_eq!(decision, Decision::NotBounded { reason, limit: 1 });
    let decision = decide(&[observed(wide)], &unpriced, me, Arrived, now);
    assert_eq!(
        decision,
        Decision::Admit {
            hold: Micros(0),
            cap: None,
            lowered: false
        }
    );
}

static PRICES: LazyLock<Vec<ModelPrice>> = LazyLock::new(|| {
    PriceBook::bundled()
        .expect("the built-in prices load")
        .all_prices()
});
