//! Which counters a person's spend moves, and by how much.

use chrono::{DateTime, Utc};
use model::{
    Micros, UserId,
    caps::{CapScope, Used, counted},
    spend::{Account, LimitKey},
};
use store::StoreResult;

use super::{
    books::Books,
    calendar::Calendar,
    counter::{Counter, Key},
};

/// A counter that moves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub(super) key: Key,
    /// It moves by what is beyond the included amount; else by all.
    beyond: Option<Beyond>,
}

/// What the included amount is compared with.
#[derive(Debug, Clone, Copy)]
struct Beyond {
    included: Micros,
    /// The counter of the person.
    person: Key,
}

/// By how much a person's spend moves; either may be negative.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delta {
    pub(super) spent: Micros,
    pub(super) reserved: Micros,
}

impl Delta {
    /// So much more is held.
    pub(super) const fn held(reserved: Micros) -> Self {
        Self {
            spent: Micros::ZERO,
            reserved,
        }
    }

    /// So much more is settled.
    pub(super) const fn spent(spent: Micros) -> Self {
        Self {
            spent,
            reserved: Micros::ZERO,
        }
    }

    const fn after(self, before: Used) -> Used {
        Used {
            spent: before.spent.saturating_add(self.spent),
            reserved: before.reserved.saturating_add(self.reserved),
        }
    }
}

/// The limit of all that a person spends under a subscription.
pub(super) const fn person_limit(scope: CapScope, user: UserId) -> LimitKey {
    match scope {
        CapScope::Instance => LimitKey::user(user),
        CapScope::Organization(id) => LimitKey::user_cap(user, id),
    }
}

/// The counters that an account's spend at an instant moves: the person's; the pool of the charged group; and where
/// caps are set, the person's in the organization and those of the subscriptions, after the ones they depend on.
pub(super) fn moves(
    calendar: &Calendar,
    account: Account,
    at: DateTime<Utc>,
) -> StoreResult<Vec<Move>> {
    let start = calendar.period(&calendar.people, at)?.start;
    let whole = |key| Move { key, beyond: None };
    let mut moves = vec![whole((LimitKey::user(account.user_id), start))];
    let pool = account
        .group_id
        .and_then(|group| Some((group, calendar.pools.get(&group)?)));
    if let Some((group, pool)) = pool {
        let period = calendar.period(&pool.reckoning, at)?;
        moves.push(whole((LimitKey::pool(group), period.start)));
    }
    for (scope, set) in calendar.caps.under(account.organization_id) {
        let person = (person_limit(scope, account.user_id), start);
        if scope.organization().is_some() {
            moves.push(whole(person));
        }
        if set.subscription.is_some() {
            let beyond = Beyond {
                included: set.included,
                person,
            };
            moves.push(Move {
                key: (LimitKey::subscription(scope), start),
                beyond: Some(beyond),
            });
        }
    }
    Ok(moves)
}

impl From<&Counter> for Used {
    fn from(counter: &Counter) -> Self {
        Self {
            spent: counter.spent,
            reserved: counter.reserved,
        }
    }
}

impl Books {
    /// The counters of an account at an instant.
    pub(super) fn moves(&self, account: Account, at: DateTime<Utc>) -> StoreResult<Vec<Move>> {
        moves(&self.calendar, account, at)
    }

    /// Moves them all. Those that compare with another one are moved before it.
    pub(super) fn shift(&mut self, moves: &[Move], by: Delta) -> StoreResult<()> {
        for one in moves.iter().rev() {
            let by = match one.beyond {
                None => by,
                Some(Beyond { included, person }) => {
                    let before = Used::from(&*self.counter(person)?);
                    let (then, now) = (
                        counted(before, included),
                        counted(by.after(before), included),
                    );
                    Delta {
                        spent: now.spent.saturating_sub(then.spent),
                        reserved: now.reserved.saturating_sub(then.reserved),
                    }
                }
            };
            self.change(one.key, |counter| {
                counter.spent = counter.spent.saturating_add(by.spent);
                counter.reserved = counter.reserved.saturating_add(by.reserved);
            })?;
        }
        Ok(())
    }
}
