//! What becomes of a reservation that wants to hold more.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Limit, LimitState, Patience, Verdict, WorstCase, judge, must_yield};
use crate::{Micros, WaiterId};

/// What becomes of it. Limits are named by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// It holds that much more under every limit.
    Granted,
    /// It cannot fit, whatever is settled.
    Refused {
        /// The limit in the way.
        limit: usize,
    },
    /// A settlement may still make room.
    RetryLater {
        /// The limit in the way.
        limit: usize,
    },
}

/// Decides whether what holds `held` may hold `hold`: by [`judge`], as if it gave back what it holds and were a
/// request of the whole that cannot wait. Like any other it leaves the room to whoever has waited for it
/// ([`must_yield`]).
#[must_use]
pub fn extend(limits: &[Limit], held: Micros, hold: Micros, now: DateTime<Utc>) -> Extension {
    let ask = WorstCase {
        input_cost: hold,
        output_price: 0,
        choices: 1,
        cap: 0,
        floor: 0,
        fees: Micros::ZERO,
    };
    let without = |one: &Limit| LimitState {
        reserved: one.state.reserved.saturating_sub(held),
        ..one.state
    };
    let nobody = WaiterId(Uuid::nil());
    let yields = |one: &Limit| {
        let room = without(one).room();
        one.state.enforced() && must_yield(one.head.as_ref(), nobody, hold, room, now)
    };
    let states: Vec<LimitState> = limits.iter().map(without).collect();
    match judge(&states, &ask, Patience::Expired) {
        Verdict::Admit { .. } => match limits.iter().position(yields) {
            None => Extension::Granted,
            Some(limit) => Extension::RetryLater { limit },
        },
        Verdict::Refuse { limit } => Extension::Refused { limit },
        Verdict::Wait { limit } | Verdict::RetryLater { limit } => Extension::RetryLater { limit },
    }
}
