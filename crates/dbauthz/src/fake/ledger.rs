//! The fake's ledger: it admits what a test lets it, and fails where a test wants it to.

use std::collections::BTreeSet;

use model::{
    Micros, ReservationId, UserId,
    spend::{
        Account, Extend, ExtendOutcome, LedgerAnswer, LedgerBatch, LedgerOp, LimitKey, Reported,
        ReserveOutcome, SettleEffect, SettleOutcome, SpendState,
    },
};
use store::{StoreError, StoreResult};
use uuid::Uuid;

/// How the fake's ledger behaves, and what it was asked.
#[derive(Debug, Default)]
pub struct FakeLedger {
    /// Whether it admits; else every request is refused.
    pub admits: bool,
    /// A batch with a step of one of these people fails.
    pub fails_for: BTreeSet<UserId>,
    /// So many commits of batches happen, but their answers are lost.
    pub lost_commits: usize,
    /// Whose steps the batches had that were taken.
    pub batches: Vec<Vec<UserId>>,
    /// What is open.
    pub open: BTreeSet<ReservationId>,
    made: u64,
}

impl FakeLedger {
    pub(super) fn batch(
        &mut self,
        ops: &[LedgerOp],
        state: &SpendState,
    ) -> StoreResult<LedgerBatch> {
        let people: Vec<UserId> = ops.iter().map(LedgerOp::user_id).collect();
        if people.iter().any(|user| self.fails_for.contains(user)) {
            return Err(StoreError::Internal("a step that cannot be taken".into()));
        }
        let wake = people.iter().map(|user| LimitKey::user(*user)).collect();
        self.batches.push(people);
        let answers = ops.iter().map(|op| self.answer(op, state)).collect();
        Ok(LedgerBatch { answers, wake })
    }

    fn answer(&mut self, op: &LedgerOp, state: &SpendState) -> LedgerAnswer {
        match op {
            LedgerOp::Reserve(_) if !self.admits => {
                LedgerAnswer::Reserved(Box::new(ReserveOutcome::Refused(*state)))
            }
            LedgerOp::Reserve(request) => {
                self.made += 1;
                let id = ReservationId(Uuid::from_u64_pair(0, self.made));
                self.open.insert(id);
                let admitted = ReserveOutcome::Admitted {
                    id,
                    account: Account {
                        user_id: request.user_id,
                        group_id: None,
                        organization_id: None,
                    },
                    hold: Micros::ZERO,
                    cap: None,
                    lowered: false,
                    state: *state,
                };
                LedgerAnswer::Reserved(Box::new(admitted))
            }
            LedgerOp::Extend(extend) => LedgerAnswer::Extended(Box::new(self.extend(extend))),
            LedgerOp::Settle(settlement) => self.close(settlement.id, SettleEffect::Settled),
            LedgerOp::Release(release) => self.close(release.id, SettleEffect::Released),
            LedgerOp::Report(report) => {
                self.made += 1;
                LedgerAnswer::Reported(Reported {
                    id: ReservationId(Uuid::from_u64_pair(0, self.made)),
                    account: Account {
                        user_id: report.user_id,
                        group_id: None,
                        organization_id: None,
                    },
                    organization_id: None,
                    cost: report.cost,
                    passed: None,
                })
            }
            LedgerOp::WaitEnd(_) => LedgerAnswer::WaitEnded,
        }
    }

    fn extend(&self, asked: &Extend) -> ExtendOutcome {
        if self.open.contains(&asked.id) {
            ExtendOutcome::Extended { hold: asked.hold }
        } else {
            ExtendOutcome::Unknown
        }
    }

    fn close(&mut self, id: ReservationId, effect: SettleEffect) -> LedgerAnswer {
        let open = self.open.remove(&id);
        LedgerAnswer::Closed(SettleOutcome {
            effect: if open { effect } else { SettleEffect::Unknown },
            freed: Vec::new(),
            over_hold: Micros::ZERO,
        })
    }
}
