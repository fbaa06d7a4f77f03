//! Requests that want to reserve, in a batch's books: the verdict, and the lines of those who wait.

use std::collections::BTreeSet;

use model::{
    Micros, ReservationId, WaiterId,
    admission::{Decision, Limit, LimitState, decide},
    spend::{Account, LedgerAnswer, ReserveOutcome, ReserveRequest, WaitEnd},
};
use store::StoreResult;

use super::{
    books::{Books, present_key},
    bounds::blocked,
    candidates::Standing,
    counter::Key,
    moves::{Delta, Move},
    reservation::ReservationRow,
};

impl Books {
    /// Decides about a request.
    pub(super) fn reserve(&mut self, request: &ReserveRequest) -> StoreResult<ReserveOutcome> {
        let standing = self.standings.get(&request.user_id).copied();
        let standing = standing.unwrap_or_default();
        let account = standing.account(request.user_id);
        let now = self.calendar.now;
        let moves = self.moves(account, now)?;
        if let Some(scope) = self.calendar.caps.unknown(account.organization_id) {
            // Nobody keeps room for what may not fit.
            self.leave_others(request.waiter, &moves, &[])?;
            return Ok(ReserveOutcome::CapsUnknown(scope));
        }
        let state = self.state(request.user_id, &standing, now)?;
        let asked = request.worst_case.as_ref().ok();
        let (need, least) = asked.map_or_else(Default::default, |ask| {
            (ask.hold(ask.cap), ask.hold(ask.floor))
        });
        let bounds = self.bounds(request.user_id, &state, Micros::ZERO, need)?;
        let limits: Vec<Limit> = bounds.iter().map(|one| one.limit).collect();
        let decision = decide(
            &limits,
            &request.worst_case,
            request.waiter,
            request.patience,
            now,
        );
        let waits: Vec<Key> = match &decision {
            Decision::Wait { limits, .. } => {
                let bounds = limits.iter().filter_map(|place| bounds.get(*place));
                let keys: BTreeSet<Key> = bounds.map(|one| one.key).collect();
                keys.into_iter().collect()
            }
            _ => Vec::new(),
        };
        self.leave_others(request.waiter, &moves, &waits)?;
        let blocked = |place, left: fn(&LimitState) -> Micros, need: Micros| {
            blocked(state, &bounds, place, |limit| need > left(limit))
        };
        match decision {
            Decision::Admit { hold, cap, lowered } => {
                let (id, account) = self.admit(request, &standing, &moves, (hold, cap))?;
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
                let first = limits.first();
                let state = first.map_or(state, |place| blocked(*place, LimitState::room, need));
                self.wait(request, need, &waits)?;
                let limits = waits.iter().map(|(limit, _)| *limit).collect();
                Ok(ReserveOutcome::Wait { limits, state })
            }
            Decision::Refuse { limit } => Ok(ReserveOutcome::Refused(blocked(
                limit,
                LimitState::rest,
                least,
            ))),
            Decision::RetryLater { limit } => Ok(ReserveOutcome::RetryLater(blocked(
                limit,
                LimitState::room,
                least,
            ))),
            Decision::NotBounded { reason, limit } => {
                let state = blocked(limit, LimitState::room, Micros(i64::MAX));
                Ok(ReserveOutcome::NotBounded(reason, state))
            }
        }
    }

    /// The request waits at no other limits than these.
    fn leave_others(&mut self, waiter: WaiterId, moves: &[Move], waits: &[Key]) -> StoreResult<()> {
        for one in moves {
            if !waits.contains(&one.key) {
                self.leave(one.key, waiter)?;
            }
        }
        Ok(())
    }

    fn admit(
        &mut self,
        request: &ReserveRequest,
        standing: &Standing,
        moves: &[Move],
        (hold, cap): (Micros, Option<u64>),
    ) -> StoreResult<(ReservationId, Account)> {
        let id = ReservationId::of(self.calendar.now, &rand::random());
        self.shift(moves, Delta::held(hold))?;
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
