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

/// Decides about `more` for what is under way: by [`judge`], as if it were a request of that cost that cannot wait.
/// Like any other it leaves the room to whoever has waited for it ([`must_yield`]).
#[must_use]
pub fn extend(limits: &[Limit], more: Micros, now: DateTime<Utc>) -> Extension {
    let ask = WorstCase {
        input_cost: more,
        output_price: 0,
        choices: 1,
        cap: 0,
        floor: 0,
        fees: Micros::ZERO,
    };
    let nobody = WaiterId(Uuid::nil());
    let yields = |one: &Limit| {
        let room = one.state.room();
        one.state.enforced() && must_yield(one.head.as_ref(), nobody, more, room, now)
    };
    let states: Vec<LimitState> = limits.iter().map(|limit| limit.state).collect();
    match judge(&states, &ask, Patience::Expired) {
        Verdict::Admit { .. } => match limits.iter().position(yields) {
            None => Extension::Granted,
            Some(limit) => Extension::RetryLater { limit },
        },
        Verdict::Refuse { limit } => Extension::Refused { limit },
        Verdict::Wait { limit } | Verdict::RetryLater { limit } => Extension::RetryLater { limit },
    }
}
