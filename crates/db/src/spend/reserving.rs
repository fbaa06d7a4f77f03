//! Requests that want to reserve, in a batch's books: the verdict, and the lines of those who wait.

use chrono::{DateTime, Utc};
use model::{
    Micros, ReservationId, UserId, WaiterId,
    admission::{Decision, Limit, LimitState, decide},
    spend::{
        Account, LedgerAnswer, LimitKey, LimitKind, ReserveOutcome, ReserveRequest, SpendState,
        WaitEnd,
    },
};
use store::StoreResult;

use super::{
    books::{Books, present_key, state},
    candidates::Standing,
    counter::Key,
    reservation::ReservationRow,
};

/// A limit that a request counts under: the counter, and the limit if there is one.
pub(super) struct Counted {
    pub(super) key: Key,
    pub(super) limit: Option<LimitState>,
}

impl Books {
    /// Decides about a request.
    pub(super) fn reserve(&mut self, request: &ReserveRequest) -> StoreResult<ReserveOutcome> {
        let standing = self.standings.get(&request.user_id).copied();
        let standing = standing.unwrap_or_default();
        let account = Account {
            user_id: request.user_id,
            group_id: standing.group,
        };
        let now = self.calendar.now;
        let counted = self.counted(account, &standing, now)?;
        let state = self.state(request.user_id, &standing, &counted, now)?;
        let mut limits = Vec::new();
        let mut places = Vec::new();
        for one in &counted {
            if let Some(limit) = one.limit {
                let head = self.counter(one.key)?.head;
                limits.push(Limit { state: limit, head });
                places.push(one.key);
            }
        }
        let decision = decide(
            &limits,
            &request.worst_case,
            request.waiter,
            request.patience,
            now,
        );
        let waits: Vec<Key> = match &decision {
            Decision::Wait { limits, .. } => {
                let keys = limits.iter().filter_map(|place| places.get(*place));
                keys.copied().collect()
            }
            _ => Vec::new(),
        };
        for one in &counted {
            if !waits.contains(&one.key) {
                self.leave(one.key, request.waiter)?;
            }
        }
        let blocked = |place: usize| SpendState {
            blocked_by: places.get(place).map(|(limit, _)| limit.kind),
            ..state
        };
        match decision {
            Decision::Admit { hold, cap, lowered } => {
                let (id, account) = self.admit(request, &standing, &counted, (hold, cap))?;
                Ok(ReserveOutcome::Admitted {
                    id,
                    account,
                    hold,
                    cap,
                    lowered,
                    state,
                })
            }
            Decision::Wait { need, limits } => {
                let state = limits.first().map_or(state, |place| blocked(*place));
                self.wait(request, need, &waits)?;
                let limits = waits.iter().map(|(limit, _)| *limit).collect();
                Ok(ReserveOutcome::Wait { limits, state })
            }
            Decision::Refuse { limit } => Ok(ReserveOutcome::Refused(blocked(limit))),
            Decision::RetryLater { limit } => Ok(ReserveOutcome::RetryLater(blocked(limit))),
            Decision::NotBounded { reason, limit } => {
                Ok(ReserveOutcome::NotBounded(reason, blocked(limit)))
            }
        }
    }

    fn admit(
        &mut self,
        request: &ReserveRequest,
        standing: &Standing,
        counted: &[Counted],
        (hold, cap): (Micros, Option<u64>),
    ) -> StoreResult<(ReservationId, Account)> {
        let id = ReservationId::of(self.calendar.now, &rand::random());
        for one in counted {
            self.change(one.key, |counter| {
                counter.reserved = counter.reserved.saturating_add(hold);
            })?;
        }
        let price_id = self.new.snapshots.note(request.prices.as_ref())?;
        let row = ReservationRow::of(id, request, standing, (hold, cap), price_id);
        let account = row.account();
        self.new.reservations.push(row);
        Ok((id, account))
    }

    fn wait(&mut self, request: &ReserveRequest, need: Micros, at: &[Key]) -> StoreResult<()> {
        let now = self.calendar.now;
        for key in at {
            self.change(*key, |counter| counter.enqueue(request, need, now))?;
        }
        Ok(())
    }

    /// The counters that an account's spend at an instant moves, with the limits that hold there.
    pub(super) fn counted(
        &mut self,
        account: Account,
        standing: &Standing,
        at: DateTime<Utc>,
    ) -> StoreResult<Vec<Counted>> {
        let keys = self.keys(account, at)?;
        let mut counted = Vec::new();
        for key in keys {
            let counter = *self.counter(key)?;
            let limit = match key.0.kind {
                LimitKind::User => standing.budget.map(|one| (one.spend_limit, one.mode)),
                LimitKind::Pool => standing
                    .group
                    .and_then(|group| self.calendar.pools.get(&group))
                    .map(|pool| (pool.limit, pool.mode)),
                LimitKind::UserCap | LimitKind::Subscription => None,
            };
            let limit = limit.map(|(limit, mode)| LimitState {
                limit,
                spent: counter.spent,
                reserved: counter.reserved,
                mode,
            });
            counted.push(Counted { key, limit });
        }
        Ok(counted)
    }

    /// The state of what counts for a person at an instant.
    pub(super) fn state(
        &self,
        user: UserId,
        standing: &Standing,
        counted: &[Counted],
        at: DateTime<Utc>,
    ) -> StoreResult<SpendState> {
        let of = |limit: LimitKey| {
            let one = counted.iter().find(|one| one.key.0 == limit);
            one.and_then(|one| self.counters.get(&one.key)).copied()
        };
        let pool = standing.group.and_then(|group| of(LimitKey::pool(group)));
        let counter = of(LimitKey::user(user)).unwrap_or_default();
        state(&self.calendar, standing, at, &counter, pool.as_ref())
    }

    /// The request does not wait at this limit any more. Others kept room for it until now.
    fn leave(&mut self, key: Key, waiter: WaiterId) -> StoreResult<()> {
        let mut left = false;
        self.change(key, |counter| left = counter.leave(waiter))?;
        if left {
            self.freed(key)?;
        }
        Ok(())
    }

    /// A waiter leaves. One that began to wait in an earlier period is not looked for: nobody waits there.
    pub(super) fn wait_end(&mut self, end: &WaitEnd) -> StoreResult<LedgerAnswer> {
        for limit in &end.limits {
            if let Some(key) = present_key(&self.calendar, *limit)? {
                self.leave(key, end.waiter)?;
            }
        }
        Ok(LedgerAnswer::WaitEnded)
    }
}
