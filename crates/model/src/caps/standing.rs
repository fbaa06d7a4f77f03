//! Where a person stands under a subscription's caps.

use super::CapSource;
use crate::{
    Micros, UserId,
    spend::{LimitKind, Period},
};

/// Where all people together stand under a subscription's cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionStanding {
    /// The cap.
    pub cap: Micros,
    /// Whether it counts.
    pub enabled: bool,
    /// What is settled in the period beyond what is included.
    pub spent: Micros,
    /// What open reservations hold in the period beyond what is included.
    pub reserved: Micros,
}

/// Where a person stands under a subscription's caps in the present period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapStanding {
    /// The person.
    pub user_id: UserId,
    /// The cap that holds for the person, and what it comes from; `None` is no cap.
    pub user_cap: Option<(Micros, CapSource)>,
    /// What the person may spend whatever the caps say.
    pub included: Micros,
    /// What is settled in this period, of what counts under the subscription.
    pub spent: Micros,
    /// What open reservations hold in this period.
    pub reserved: Micros,
    /// The cap of all people together, if it was ever set.
    pub subscription: Option<SubscriptionStanding>,
    /// The period.
    pub period: Period,
    /// The cap that keeps the person from spending; `None` while none does.
    pub blocked: Option<BlockedCap>,
}

/// The cap that keeps a person from spending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockedCap {
    /// The one of everybody without a cap of their own.
    FlatUser,
    /// The person's own.
    UserOverride,
    /// The one of all people together.
    Subscription,
}

impl BlockedCap {
    /// The kind of limit that it is.
    #[must_use]
    pub const fn kind(self) -> LimitKind {
        match self {
            Self::FlatUser | Self::UserOverride => LimitKind::UserCap,
            Self::Subscription => LimitKind::Subscription,
        }
    }
}

impl CapStanding {
    /// The same, with what blocks.
    #[must_use]
    pub fn decided(self) -> Self {
        let blocked = blocked_by(
            self.user_cap,
            self.included,
            self.spent,
            self.subscription.as_ref(),
        );
        Self { blocked, ..self }
    }
}

/// The cap that keeps a person from spending, who has spent so much. A user cap does so once spend reaches it and what
/// is included; the subscription's does once what all have spent reaches it, for whoever has used up what is included.
/// What is only held may come back, so only what is settled counts.
#[must_use]
pub fn blocked_by(
    user_cap: Option<(Micros, CapSource)>,
    included: Micros,
    spent: Micros,
    subscription: Option<&SubscriptionStanding>,
) -> Option<BlockedCap> {
    if spent < included {
        return None;
    }
    if let Some((cap, source)) = user_cap
        && spent >= cap
    {
        return Some(match source {
            CapSource::Flat => BlockedCap::FlatUser,
            CapSource::Override => BlockedCap::UserOverride,
        });
    }
    subscription
        .filter(|all| all.enabled && all.spent >= all.cap)
        .map(|_| BlockedCap::Subscription)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user cap, if there is one; what is included and spent; the subscription's cap and what all spent.
    type Case = (Option<(i64, CapSource)>, [i64; 2], Option<(i64, i64, bool)>);

    #[test]
    fn a_cap_blocks_when_spend_reaches_it_and_what_is_included() {
        let check = |(cap, [included, spent], all): Case, expected: Option<BlockedCap>| {
            let all = all.map(|(cap, spent, enabled)| SubscriptionStanding {
                cap: Micros(cap),
                enabled,
                spent: Micros(spent),
                reserved: Micros(1_000_000),
            });
            let cap = cap.map(|(cap, source)| (Micros(cap), source));
            let blocked = blocked_by(cap, Micros(included), Micros(spent), all.as_ref());
            assert_eq!(blocked, expected, "{cap:?} {included} {spent} {all:?}");
        };
        let flat = |cap| Some((cap, CapSource::Flat));
        let own = |cap| Some((cap, CapSource::Override));
        let (by_flat, by_own) = (Some(BlockedCap::FlatUser), Some(BlockedCap::UserOverride));
        let by_all = Some(BlockedCap::Subscription);
        check((None, [0, 9], None), None);
        // Included 24 and a cap of 10 or 0 block at 24, a cap of 50 at 50.
        check((flat(10), [24, 23], None), None);
        check((flat(10), [24, 24], None), by_flat);
        check((flat(0), [24, 23], None), None);
        check((flat(0), [24, 24], None), by_flat);
        check((flat(50), [24, 49], None), None);
        check((flat(50), [24, 50], None), by_flat);
        check((flat(0), [0, 0], None), by_flat);
        // One's own.
        check((own(100), [0, 60], None), None);
        check((own(100), [0, 100], None), by_own);
        check((own(5), [8, 7], None), None);
        check((own(5), [8, 8], None), by_own);
        // A cap of 0 for all, 100 included: who has spent 100 is blocked, who has spent 40 is not.
        check((None, [100, 100], Some((0, 0, true))), by_all);
        check((None, [100, 40], Some((0, 0, true))), None);
        // Reached exactly, raised, disabled.
        check((None, [0, 3], Some((10, 10, true))), by_all);
        check((None, [0, 3], Some((11, 10, true))), None);
        check((None, [0, 3], Some((10, 10, false))), None);
        // The first to block wins.
        check((flat(3), [0, 3], Some((10, 10, true))), by_flat);
        check((flat(4), [0, 3], Some((10, 10, true))), by_all);
    }
}
