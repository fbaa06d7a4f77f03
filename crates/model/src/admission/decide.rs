//! What becomes of a request under all of its limits, the lines of those who wait included.

use chrono::{DateTime, Utc};

use super::{Head, LimitState, Patience, Verdict, WorstCase, judge, must_yield};
use crate::{Micros, WaiterId, spend::NotBounded};

/// A limit that applies to a request, and who waits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The state.
    pub state: LimitState,
    /// The request that has waited longest there.
    pub head: Option<Head>,
}

/// What becomes of a request. Limits are named by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Reserve `hold` under every limit.
    Admit {
        /// To be reserved; zero for a request that has no bound.
        hold: Micros,
        /// The output cap to forward with; `None` leaves the client's, since no limit blocks.
        cap: Option<u64>,
        /// Whether the cap is less than the request wanted.
        lowered: bool,
    },
    /// Wait at these limits for `need`.
    Wait {
        /// What it asks for.
        need: Micros,
        /// The limits in the way, at least one.
        limits: Vec<usize>,
    },
    /// It cannot fit, whatever is settled.
    Refuse {
        /// The limit in the way.
        limit: usize,
    },
    /// Its wait is over; a settlement may still make room.
    RetryLater {
        /// The limit in the way.
        limit: usize,
    },
    /// A limit blocks, and the request has no bound.
    NotBounded {
        /// Why not.
        reason: NotBounded,
        /// The first limit that blocks.
        limit: usize,
    },
}

/// Decides about a request by [`judge`], and at each limit by [`must_yield`]: who may be admitted but must leave
/// the room to somebody else at some limit waits there.
#[must_use]
pub fn decide(
    limits: &[Limit],
    ask: &Result<WorstCase, NotBounded>,
    me: WaiterId,
    patience: Patience,
    now: DateTime<Utc>,
) -> Decision {
    let Some(first) = limits.iter().position(|limit| limit.state.enforced()) else {
        let hold = ask.as_ref().map_or(Micros::ZERO, |ask| ask.hold(ask.cap));
        return Decision::Admit {
            hold,
            cap: None,
            lowered: false,
        };
    };
    let ask = match ask {
        Ok(ask) => ask,
        Err(reason) => {
            return Decision::NotBounded {
                reason: *reason,
                limit: first,
            };
        }
    };
    let states: Vec<LimitState> = limits.iter().map(|limit| limit.state).collect();
    let need = ask.hold(ask.cap);
    match judge(&states, ask, patience) {
        Verdict::Refuse { limit } => Decision::Refuse { limit },
        Verdict::RetryLater { limit } => Decision::RetryLater { limit },
        Verdict::Wait { limit } => {
            let mut limits = places(limits, |one| need > one.state.room());
            if limits.is_empty() {
                limits.push(limit);
            }
            Decision::Wait { need, limits }
        }
        Verdict::Admit { hold, cap, lowered } => {
            let yields =
                |one: &Limit| must_yield(one.head.as_ref(), me, hold, one.state.room(), now);
            let limits = places(limits, yields);
            match (limits.first(), patience) {
                (None, _) => Decision::Admit {
                    hold,
                    cap: Some(cap),
                    lowered,
                },
                (Some(_), Patience::Arrived) => Decision::Wait { need, limits },
                (Some(&limit), Patience::Expired) => Decision::RetryLater { limit },
            }
        }
    }
}

/// The places of the limits that block and of which something holds.
fn places(limits: &[Limit], holds: impl Fn(&Limit) -> bool) -> Vec<usize> {
    let blocking = limits.iter().enumerate();
    let blocking = blocking.filter(|(_, limit)| limit.state.enforced() && holds(limit));
    blocking.map(|(place, _)| place).collect()
}
