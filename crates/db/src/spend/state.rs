//! The state of what counts for a person at an instant, from counters that were read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use model::{
    Micros, UserId,
    caps::{BlockedCap, CapScope, CapSource, CapState, Used},
    spend::{LimitKey, Period, PoolState, SpendState},
};
use store::StoreResult;

use super::{
    calendar::Calendar,
    candidates::Standing,
    caps::SubscriptionRow,
    counter::{Counter, Key},
    moves::person_limit,
};

/// The state of a person's spend in the periods of an instant.
pub(super) fn state(
    calendar: &Calendar,
    (user, standing): (UserId, &Standing),
    at: DateTime<Utc>,
    counters: &BTreeMap<Key, Counter>,
) -> StoreResult<SpendState> {
    let of = |limit: LimitKey, period: &Period| {
        let counter = counters.get(&(limit, period.start));
        counter.map(Used::from).unwrap_or_default()
    };
    let charged = standing
        .group
        .and_then(|group| Some((group, calendar.pools.get(&group)?)));
    let pool = match charged {
        Some((group_id, pool)) => {
            let period = calendar.period(&pool.reckoning, at)?;
            let used = of(LimitKey::pool(group_id), &period);
            Some(PoolState {
                group_id,
                limit: pool.limit,
                mode: pool.mode,
                spent: used.spent,
                reserved: used.reserved,
                period,
            })
        }
        None => None,
    };
    let period = calendar.period(&calendar.people, at)?;
    let own = of(LimitKey::user(user), &period);
    Ok(SpendState {
        budget: standing.budget,
        group_id: standing.group,
        organization_id: standing.organization,
        spent: own.spent,
        reserved: own.reserved,
        period,
        now: calendar.now,
        pool,
        caps: caps(calendar, (user, standing), period, of),
        blocked_by: None,
        blocked_scope: None,
    })
}

/// The caps that hold for a person, user caps first.
fn caps(
    calendar: &Calendar,
    (user, standing): (UserId, &Standing),
    period: Period,
    of: impl Fn(LimitKey, &Period) -> Used,
) -> [Option<CapState>; 4] {
    let state = |scope: CapScope, set: &SubscriptionRow, cap, amount: Micros| {
        let own = of(person_limit(scope, user), &period);
        let used = match cap {
            BlockedCap::Subscription => of(LimitKey::subscription(scope), &period),
            BlockedCap::FlatUser | BlockedCap::UserOverride => own,
        };
        CapState {
            cap,
            scope,
            amount,
            included: set.included,
            used,
            own,
            period,
            blocks: false,
        }
    };
    let mut caps = [None; 4];
    let under = || calendar.caps.limiting(standing.organization);
    let people = under().filter_map(|(scope, set)| {
        let (amount, source) = calendar.caps.user_cap(scope, user)?;
        let cap = match source {
            CapSource::Flat => BlockedCap::FlatUser,
            CapSource::Override => BlockedCap::UserOverride,
        };
        Some(state(scope, &set, cap, amount))
    });
    let all = under().filter_map(|(scope, set)| {
        let cap = set.subscription.filter(|cap| cap.enabled)?;
        Some(state(scope, &set, BlockedCap::Subscription, cap.amount))
    });
    for (place, cap) in caps.iter_mut().zip(people.chain(all)) {
        *place = Some(cap);
    }
    caps
}
