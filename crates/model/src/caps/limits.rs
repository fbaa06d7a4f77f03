//! Caps as limits of the spend ledger.
//!
//! A person's spend moves the counter of a subscription by what it adds beyond what is included ([`counted`]), and the
//! subscription's cap leaves each person the room of all beside what is left of the included amount.

use super::{BlockedCap, CapScope, beyond_included};
use crate::{Micros, admission::LimitState, budgets::BudgetMode, spend::Period};

/// What is settled and held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// What is settled in the period.
    pub spent: Micros,
    /// What open reservations hold.
    pub reserved: Micros,
}

impl Used {
    const fn total(self) -> Micros {
        self.spent.saturating_add(self.reserved)
    }

    /// The same, if so much of what is held were given back.
    const fn without(self, held: Micros) -> Self {
        Self {
            spent: self.spent,
            reserved: self.reserved.saturating_sub(held),
        }
    }
}

/// What of a person's spend counts under the subscription's cap. What is held counts as if it were spent last.
#[must_use]
pub fn counted(own: Used, included: Micros) -> Used {
    let spent = beyond_included(own.spent, included);
    Used {
        spent,
        reserved: beyond_included(own.total(), included).saturating_sub(spent),
    }
}

/// A cap that applies to a person's spend, enabled, and what is spent and held under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapState {
    /// Which cap it is.
    pub cap: BlockedCap,
    /// Whose.
    pub scope: CapScope,
    /// The amount.
    pub amount: Micros,
    /// What the person may spend whatever the cap says.
    pub included: Micros,
    /// What counts under it: of the person, or of all people beyond what is included for each.
    pub used: Used,
    /// What the person spent and holds, of what counts in this scope.
    pub own: Used,
    /// The period.
    pub period: Period,
    /// Whether it is in the way of a request.
    pub blocks: bool,
}

impl CapState {
    /// It as a limit of what the person asks for.
    #[must_use]
    pub fn limit(&self) -> LimitState {
        match self.cap {
            BlockedCap::FlatUser | BlockedCap::UserOverride => {
                enforced(self.amount.max(self.included), self.used)
            }
            BlockedCap::Subscription => self.shared(self.own, self.used),
        }
    }

    /// It as a limit of what holds `held` already and asks for more: what is held must be taken off `reserved`, as
    /// [`crate::admission::extend`] does.
    #[must_use]
    pub fn limit_beside(&self, held: Micros) -> LimitState {
        if self.cap != BlockedCap::Subscription {
            return self.limit();
        }
        let own = self.own.without(held);
        let part = counted(self.own, self.included).reserved;
        let part = part.saturating_sub(counted(own, self.included).reserved);
        let limit = self.shared(own, self.used.without(part));
        LimitState {
            reserved: limit.reserved.saturating_add(held),
            ..limit
        }
    }

    /// What the person, who holds `held` of it, may hold although nothing is left for all: the rest of what is included.
    #[must_use]
    pub fn free(&self, held: Micros) -> Micros {
        match self.cap {
            BlockedCap::FlatUser | BlockedCap::UserOverride => Micros::ZERO,
            BlockedCap::Subscription => left_of(self.included, self.own.without(held).total()),
        }
    }

    /// The room for one person under a cap of all: what is left of the cap, and what is left of what is included.
    fn shared(&self, own: Used, all: Used) -> LimitState {
        let left = |all: Micros, own: Micros| {
            left_of(self.amount, all).saturating_add(left_of(self.included, own))
        };
        let rest = left(all.spent, own.spent);
        let room = left(all.total(), own.total());
        if rest <= Micros::ZERO && self.amount <= Micros::ZERO {
            return enforced(Micros::ZERO, all);
        }
        let reserved = rest.saturating_sub(room);
        let used = Used {
            spent: all.spent,
            reserved,
        };
        enforced(all.spent.saturating_add(rest), used)
    }

    /// Whether it keeps the person from spending anything. What is only held may come back.
    #[must_use]
    pub fn used_up(&self) -> bool {
        self.own.spent >= self.included && self.used.spent >= self.amount
    }
}

fn left_of(amount: Micros, used: Micros) -> Micros {
    amount.saturating_sub(used).or_zero()
}

const fn enforced(limit: Micros, used: Used) -> LimitState {
    LimitState {
        limit,
        spent: used.spent,
        reserved: used.reserved,
        mode: BudgetMode::Enforce,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    const fn used(spent: i64, reserved: i64) -> Used {
        Used {
            spent: Micros(spent),
            reserved: Micros(reserved),
        }
    }

    fn state(cap: BlockedCap, [amount, included]: [i64; 2], all: Used, own: Used) -> CapState {
        let period = Period {
            start: DateTime::UNIX_EPOCH,
            end: DateTime::UNIX_EPOCH,
        };
        CapState {
            cap,
            scope: CapScope::Instance,
            amount: Micros(amount),
            included: Micros(included),
            used: all,
            own,
            period,
            blocks: false,
        }
    }

    #[test]
    fn what_is_included_moves_nothing_and_the_rest_all() {
        let check = |own, included, expected| {
            assert_eq!(counted(own, Micros(included)), expected, "{own:?}");
        };
        check(used(5, 3), 0, used(5, 3));
        check(used(5, 3), 10, used(0, 0));
        check(used(5, 8), 10, used(0, 3));
        check(used(12, 8), 10, used(2, 8));
    }

    #[test]
    fn a_user_cap_never_takes_what_is_included() {
        let check = |amount, included, own, room| {
            let state = state(BlockedCap::FlatUser, [amount, included], own, own);
            assert_eq!(state.limit().room(), Micros(room), "{state:?}");
        };
        check(50, 24, used(20, 10), 20);
        check(10, 24, used(20, 0), 4);
        check(0, 24, used(24, 0), 0);
        check(0, 0, used(0, 0), 0);
    }

    #[test]
    fn a_subscriptions_cap_leaves_each_their_included_amount() {
        let check = |[amount, included]: [i64; 2], all, own, (rest, room)| {
            let limit = state(BlockedCap::Subscription, [amount, included], all, own).limit();
            assert_eq!(
                (limit.rest(), limit.room()),
                (Micros(rest), Micros(room)),
                "{amount} {included} {all:?} {own:?}"
            );
        };
        // Nothing is left for all: one has spent what is included, another has 60 left, also when others passed the cap.
        check([0, 100], used(0, 0), used(100, 0), (0, 0));
        check([0, 100], used(0, 0), used(40, 0), (60, 60));
        check([10, 100], used(30, 5), used(40, 0), (60, 60));
        // What others hold comes back; what is included does not depend on it.
        check([50, 100], used(20, 30), used(40, 10), (90, 50));
        check([50, 0], used(20, 25), used(20, 10), (30, 5));
    }

    #[test]
    fn a_cap_of_zero_refuses_also_what_costs_nothing() {
        for cap in [BlockedCap::FlatUser, BlockedCap::Subscription] {
            let limit = state(cap, [0, 0], used(7, 0), used(7, 0)).limit();
            assert_eq!(limit.limit, Micros::ZERO, "{cap:?}");
        }
    }

    proptest! {
        /// Whoever asks for no more than the room never makes all pass the cap, if they did not before.
        #[test]
        fn the_room_of_one_is_never_more_than_all_have(
            amount in 0..100_i64, included in 0..50_i64,
            people in prop::collection::vec((0..60_i64, 0..60_i64), 1..5), ask in 1..100_i64
        ) {
            let included_each = Micros(included);
            let sum = |people: &[(i64, i64)]| people.iter().fold(Used::default(), |sum, (spent, held)| {
                let one = counted(used(*spent, *held), included_each);
                Used {
                    spent: sum.spent.saturating_add(one.spent),
                    reserved: sum.reserved.saturating_add(one.reserved),
                }
            });
            let all = sum(&people);
            let own = used(people[0].0, people[0].1);
            let limit = state(BlockedCap::Subscription, [amount, included], all, own).limit();
            let mut after = people.clone();
            after[0].1 += ask;
            let before = all.total();
            let total = sum(&after).total();
            let fits = total <= Micros(amount).max(before);
            prop_assert_eq!(fits, Micros(ask) <= limit.room(), "{:?}", limit);
        }

        /// What is extended stands as if it gave back what it holds.
        #[test]
        fn an_extension_has_the_room_of_a_new_request_of_the_whole(
            amount in 0..100_i64, included in 0..50_i64, spent in 0..60_i64, held in 0..40_i64, more in 0..40_i64,
            others in 0..60_i64
        ) {
            let of = |reserved| {
                let own = used(spent, reserved);
                let mut all = counted(own, Micros(included));
                all.spent = all.spent.saturating_add(Micros(others));
                state(BlockedCap::Subscription, [amount, included], all, own)
            };
            let (with, without) = (of(held + more), of(more));
            let beside = with.limit_beside(Micros(held));
            prop_assert_eq!(
                (beside.rest(), beside.room().saturating_add(Micros(held))),
                (without.limit().rest(), without.limit().room())
            );
        }
    }
}
