//! The limits that apply to what a person asks for, in a batch's books.

use chrono::{DateTime, Utc};
use model::{
    Micros, UserId,
    admission::{Limit, LimitState},
    caps::{BlockedCap, CapScope, CapState},
    spend::{LimitKey, LimitKind, SpendState},
};
use store::StoreResult;

use super::{books::Books, candidates::Standing, counter::Key, moves::person_limit, state::state};

/// A limit that applies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// The counter where it is waited for.
    pub(super) key: Key,
    pub(super) kind: LimitKind,
    /// Whose it is, if it is a cap.
    scope: Option<CapScope>,
    pub(super) limit: Limit,
}

impl Books {
    /// The state of what counts for a person at an instant.
    pub(super) fn state(
        &self,
        user: UserId,
        standing: &Standing,
        at: DateTime<Utc>,
    ) -> StoreResult<SpendState> {
        state(&self.calendar, (user, standing), at, &self.counters)
    }

    /// The limits that apply to a person who holds `held` and wants to hold `need`: budget, pool, caps. Nobody leaves
    /// room to others of what is included.
    pub(super) fn bounds(
        &mut self,
        user: UserId,
        state: &SpendState,
        held: Micros,
        need: Micros,
    ) -> StoreResult<Vec<Bound>> {
        let start = state.period.start;
        let mut bounds = Vec::new();
        if let Some(budget) = &state.budget {
            let limit = LimitState {
                limit: budget.spend_limit,
                spent: state.spent,
                reserved: state.reserved,
                mode: budget.mode,
            };
            bounds.push(self.bound(
                (LimitKey::user(user), start),
                (LimitKind::User, None),
                limit,
            )?);
        }
        if let Some(pool) = &state.pool {
            let limit = LimitState {
                limit: pool.limit,
                spent: pool.spent,
                reserved: pool.reserved,
                mode: pool.mode,
            };
            let key = (LimitKey::pool(pool.group_id), pool.period.start);
            bounds.push(self.bound(key, (LimitKind::Pool, None), limit)?);
        }
        for cap in state.caps.iter().flatten() {
            let (key, of) = (
                (limit_key(cap, user), start),
                (cap.cap.kind(), Some(cap.scope)),
            );
            let mut bound = self.bound(key, of, cap.limit_beside(held))?;
            if need <= cap.free(held) {
                bound.limit.head = None;
            }
            bounds.push(bound);
        }
        Ok(bounds)
    }

    fn bound(
        &mut self,
        key: Key,
        (kind, scope): (LimitKind, Option<CapScope>),
        state: LimitState,
    ) -> StoreResult<Bound> {
        let head = self.counter(key)?.head;
        Ok(Bound {
            key,
            kind,
            scope,
            limit: Limit { state, head },
        })
    }
}

/// The limit whose counter says what is spent under a cap.
const fn limit_key(cap: &CapState, user: UserId) -> LimitKey {
    match cap.cap {
        BlockedCap::FlatUser | BlockedCap::UserOverride => person_limit(cap.scope, user),
        BlockedCap::Subscription => LimitKey::subscription(cap.scope),
    }
}

/// The state of a request that the named limit is in the way of, with all caps that are. Where the named one is a cap,
/// the first of all limits that are in the way stands for them.
pub(super) fn blocked(
    state: SpendState,
    bounds: &[Bound],
    named: usize,
    in_the_way: impl Fn(&LimitState) -> bool,
) -> SpendState {
    let blocks = |place: usize, one: &Bound| {
        let limit = &one.limit.state;
        place == named || (limit.enforced() && (limit.limit <= Micros::ZERO || in_the_way(limit)))
    };
    let blocking = || {
        let all = bounds.iter().enumerate();
        all.filter(|(place, one)| blocks(*place, one))
            .map(|(_, one)| one)
    };
    let named = bounds.get(named);
    let first = match named {
        Some(one) if one.scope.is_some() => blocking().next(),
        named => named,
    };
    let mut state = SpendState {
        blocked_by: first.map(|one| one.kind),
        blocked_scope: first.and_then(|one| one.scope),
        ..state
    };
    for cap in state.caps.iter_mut().flatten() {
        cap.blocks =
            blocking().any(|one| one.kind == cap.cap.kind() && one.scope == Some(cap.scope));
    }
    state
}
