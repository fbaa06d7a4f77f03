//! The verdict on a request that asks for room under its limits.

use super::WorstCase;
use crate::{Micros, budgets::BudgetMode};

/// A limit that applies to a request, as its row says under lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitState {
    /// The limit of the period.
    pub limit: Micros,
    /// What was settled in the period.
    pub spent: Micros,
    /// What open reservations hold.
    pub reserved: Micros,
    /// Whether it blocks.
    pub mode: BudgetMode,
}

impl LimitState {
    /// Whether it blocks.
    #[must_use]
    pub const fn enforced(&self) -> bool {
        matches!(self.mode, BudgetMode::Enforce)
    }

    /// What is left if every open reservation were given back. Negative when a true cost went past the limit.
    #[must_use]
    pub const fn rest(&self) -> Micros {
        self.limit.saturating_sub(self.spent)
    }

    /// What is left if every open reservation were spent.
    #[must_use]
    pub const fn room(&self) -> Micros {
        self.rest().saturating_sub(self.reserved)
    }
}

/// Whether a request may still wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// It has just arrived, or waits and a settlement has changed something.
    Arrived,
    /// Its wait is over: now or never.
    Expired,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Reserve `hold` under every limit and forward the request with `cap` tokens per choice.
    Admit {
        /// To be reserved.
        hold: Micros,
        /// Output tokens per choice.
        cap: u64,
        /// Whether `cap` is less than the request wanted, which the client is told.
        lowered: bool,
    },
    /// It may fit when other requests are settled: wait, holding nothing.
    Wait {
        /// The limit, by its place, that it waits for.
        limit: usize,
    },
    /// It cannot fit in this period, whatever is settled.
    Refuse {
        /// The limit, by its place, that is in the way.
        limit: usize,
    },
    /// The wait is over without room; a settlement may still make some.
    RetryLater {
        /// The limit, by its place, that is in the way.
        limit: usize,
    },
}

/// Judges a request against every limit that applies to it, all or none.
///
/// - A limit of zero blocks everything, also what costs nothing: refused.
/// - Its worst case fits the room of all: admitted as it is.
/// - Not even its least cap fits the rest of one: refused.
/// - It could only ever fit with a lower cap: admitted with what the tightest rest affords, once nothing is
///   reserved there and the others have room for that.
/// - Otherwise it waits; when the wait is over it gets what the tightest room affords, if that is its least cap
///   or more.
///
/// The limit that a verdict names is the one with the least left, the first of equals. A limit that is only
/// observed is in nobody's way. Without limits everything is admitted as it is.
#[must_use]
pub fn judge(limits: &[LimitState], ask: &WorstCase, patience: Patience) -> Verdict {
    let (Some((by_rest, rest)), Some((by_room, room))) = (
        tightest(limits, LimitState::rest),
        tightest(limits, LimitState::room),
    ) else {
        return admit(ask, ask.cap);
    };
    let zero = |limit: &LimitState| limit.enforced() && limit.limit <= Micros::ZERO;
    if let Some(limit) = limits.iter().position(zero) {
        return Verdict::Refuse { limit };
    }
    if ask.hold(ask.cap) <= room {
        return admit(ask, ask.cap);
    }
    if ask.hold(ask.floor) > rest {
        return Verdict::Refuse { limit: by_rest };
    }
    if let Some(cap) = alone(limits, ask, rest, room) {
        return admit(ask, cap);
    }
    match patience {
        Patience::Arrived => Verdict::Wait { limit: by_room },
        Patience::Expired => match ask.affordable_cap(room) {
            Some(cap) if cap >= ask.floor => admit(ask, cap),
            Some(_) | None => Verdict::RetryLater { limit: by_room },
        },
    }
}

fn admit(ask: &WorstCase, cap: u64) -> Verdict {
    Verdict::Admit {
        hold: ask.hold(cap),
        cap,
        lowered: cap < ask.cap,
    }
}

/// The lowered cap of a request whose worst case is above the rest of some limits, none of which has open
/// reservations. Waiting would not get it more.
fn alone(limits: &[LimitState], ask: &WorstCase, rest: Micros, room: Micros) -> Option<u64> {
    let full = ask.hold(ask.cap);
    let above_rest = |limit: &&LimitState| limit.enforced() && full > limit.rest();
    let idle = limits
        .iter()
        .filter(above_rest)
        .all(|limit| limit.reserved <= Micros::ZERO);
    let cap = ask.affordable_cap(rest)?;
    (full > rest && idle && ask.hold(cap) <= room).then_some(cap)
}

fn tightest(
    limits: &[LimitState],
    left: impl Fn(&LimitState) -> Micros,
) -> Option<(usize, Micros)> {
    limits
        .iter()
        .enumerate()
        .filter(|(_, limit)| limit.enforced())
        .map(|(place, limit)| (place, left(limit)))
        .min_by_key(|(place, left)| (*left, *place))
}
