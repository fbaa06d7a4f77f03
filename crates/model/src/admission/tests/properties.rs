//! What must hold for any request and any sequence of them.

use proptest::{prelude::*, sample::Index};

use super::super::*;
use super::{PRICES, state};
use crate::{Micros, metering::TokenUsage};

fn any_ask() -> impl Strategy<Value = WorstCase> {
    (
        0_i64..500,
        0_u64..3_000_000,
        0_u64..4,
        0_u64..600,
        any::<Index>(),
        0_i64..20,
    )
        .prop_map(
            |(input, output_price, choices, cap, floor, fees)| WorstCase {
                input_cost: Micros(input),
                output_price,
                choices,
                cap,
                floor: u64::try_from(floor.index(usize::try_from(cap).unwrap() + 1)).unwrap(),
                fees: Micros(fees),
            },
        )
}

#[derive(Debug, Clone)]
enum Step {
    Ask(WorstCase, Patience),
    /// Settles one of the open ones at so many per cent of its hold.
    Settle(Index, i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let patience = prop_oneof![Just(Patience::Arrived), Just(Patience::Expired)];
    prop_oneof![
        (any_ask(), patience).prop_map(|(ask, patience)| Step::Ask(ask, patience)),
        (any::<Index>(), 0_i64..=100).prop_map(|(which, share)| Step::Settle(which, share)),
    ]
}

proptest! {
    #[test]
    fn spent_and_reserved_never_pass_a_limit(
        limits in prop::collection::vec(0_i64..3_000, 1..4),
        steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let mut states = limits.into_iter().map(|limit| state(limit, 0, 0)).collect::<Vec<_>>();
        let mut open = Vec::<Micros>::new();
        for step in steps {
            match step {
                Step::Ask(ask, patience) => {
                    if let Verdict::Admit { hold, cap, lowered } = judge(&states, &ask, patience) {
                        prop_assert_eq!(hold, ask.hold(cap));
                        prop_assert!((ask.floor..=ask.cap).contains(&cap));
                        prop_assert_eq!(lowered, cap < ask.cap);
                        open.push(hold);
                        for state in &mut states {
                            state.reserved = state.reserved.saturating_add(hold);
                        }
                    }
                }
                Step::Settle(which, share) if !open.is_empty() => {
                    let hold = open.swap_remove(which.index(open.len()));
                    for state in &mut states {
                        state.reserved = state.reserved.saturating_sub(hold);
                        state.spent = state.spent.saturating_add(Micros(hold.0 * share / 100));
                    }
                }
                Step::Settle(..) => {}
            }
            for state in &states {
                prop_assert!(state.spent.0 + state.reserved.0 <= state.limit.0, "{:?}", state);
            }
        }
    }

    #[test]
    fn a_lone_request_that_fits_with_its_floor_is_never_refused(
        ask in any_ask(),
        limits in prop::collection::vec((0_i64..3_000, 0_i64..3_000), 1..4),
        patience in prop_oneof![Just(Patience::Arrived), Just(Patience::Expired)],
    ) {
        let states = limits.into_iter().map(|(limit, spent)| state(limit, spent, 0)).collect::<Vec<_>>();
        let fits = states.iter().all(|state| ask.hold(ask.floor) <= state.rest());
        let verdict = judge(&states, &ask, patience);
        match verdict {
            Verdict::Admit { cap, .. } => prop_assert!(fits && cap >= ask.floor),
            Verdict::Refuse { .. } => prop_assert!(!fits),
            Verdict::Wait { .. } | Verdict::RetryLater { .. } => prop_assert!(false, "{:?}", verdict),
        }
    }

    #[test]
    fn the_affordable_cap_fits_and_one_more_does_not(ask in any_ask(), rest in -10_i64..4_000) {
        match ask.affordable_cap(Micros(rest)) {
            Some(cap) => {
                prop_assert!(ask.hold(cap) <= Micros(rest));
                prop_assert!(cap == ask.cap || ask.hold(cap + 1) > Micros(rest));
            }
            None => prop_assert!(ask.hold(0) > Micros(rest)),
        }
    }

    #[test]
    fn a_hold_covers_any_usage_within_its_bounds(
        which in any::<Index>(),
        near in any::<Index>(),
        around in -2_i64..3_000,
        cuts in prop::collection::vec(any::<Index>(), 5),
        used in any::<Index>(),
        cap in 1_u64..20_000,
        choices in 0_u64..4,
        said in (any::<Index>(), any::<Index>()),
        searches in 0_u64..20,
    ) {
        let price = which.get(&PRICES);
        let starts = price.starts();
        let bound = near.get(&starts).saturating_add_signed(around);
        let cut = |index: &Index, most: u64| {
            u64::try_from(index.index(usize::try_from(most).unwrap() + 1)).unwrap()
        };
        // Up to the bound, spread over the kinds.
        let mut left = cut(&used, bound);
        let mut next = cuts.iter().map(|index| { let part = cut(index, left); left -= part; part });
        let mut usage = TokenUsage::default();
        for kind in [
            &mut usage.input, &mut usage.cache_read, &mut usage.cache_write_5m,
            &mut usage.cache_write_1h, &mut usage.audio_input,
        ] {
            *kind = next.next().unwrap();
        }
        let total = cut(&said.0, cap * choices.max(1));
        usage.audio_output = cut(&said.1, total);
        usage.output = total - usage.audio_output;
        let fee = price.web_search_fee(searches);
        usage.web_searches = fee.map_or(0, |_| searches);

        let output = OutputAsk { cap, choices, thinking: None };
        let worst = WorstCase::new(price, bound, output, fee.unwrap_or_default());
        prop_assert!(price.cost(&usage).unwrap() <= worst.hold(cap), "{:?} {:?}", price, usage);
    }
}
