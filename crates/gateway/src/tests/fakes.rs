//! A ledger in memory that decides by the model's own rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chrono::TimeDelta;
use model::{
    Clock, GroupId, LeaseId, Micros, ReservationId, SystemClock, UserId,
    admission::{Decision, Head, Limit, LimitState, decide},
    budgets::{BudgetMode, EffectiveBudget, LimitSource},
    caps::CapScope,
    spend::{
        Account, LimitKey, LimitKind, Period, Progress, Release, ReserveOutcome, ReserveRequest,
        SettleEffect, SettleOutcome, Settlement, SpendState, WaitEnd,
    },
};
use store::{StoreError, StoreResult};
use tokio::sync::watch;
use uuid::Uuid;

use crate::ledger::{Ledger, ReserveFailure};

pub(super) const USER: UserId = UserId(Uuid::from_u128(1));
pub(super) const ACCOUNT: Account = Account {
    user_id: USER,
    group_id: Some(GROUP),
    organization_id: None,
};
pub(super) const GROUP: GroupId = GroupId(Uuid::from_u128(2));

/// What the ledger holds.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) limit: Option<Micros>,
    pub(super) spent: Micros,
    pub(super) open: BTreeMap<ReservationId, Micros>,
    pub(super) settled: Vec<Settlement>,
    pub(super) released: Vec<ReservationId>,
    pub(super) progress: BTreeMap<ReservationId, u64>,
    pub(super) live_leases: BTreeSet<LeaseId>,
    pub(super) attempts: usize,
    pub(super) waits_ended: usize,
    /// So many of the next calls that close a reservation find no database.
    pub(super) close_failures: usize,
    pub(super) over_reports: usize,
    /// So many of the next calls that close a reservation fail for a reason of their own.
    pub(super) close_bugs: usize,
    /// The next reservation is made, but its answer is lost.
    pub(super) lose_answer: bool,
    /// The next renewal finds the lease lapsed.
    pub(super) lapse: bool,
    /// Caps are not known.
    pub(super) caps_unknown: Option<CapScope>,
    head: Option<Head>,
}

impl Books {
    pub(super) fn reserved(&self) -> Micros {
        Micros(self.open.values().map(|hold| hold.0).sum())
    }

    fn state(&self) -> SpendState {
        let now = SystemClock.now();
        SpendState {
            budget: self.limit.map(|spend_limit| EffectiveBudget {
                group_id: GROUP,
                spend_limit,
                source: LimitSource::Group,
                mode: BudgetMode::Enforce,
                summed: false,
            }),
            group_id: Some(GROUP),
            organization_id: None,
            spent: self.spent,
            reserved: self.reserved(),
            period: Period {
                start: now,
                end: now + TimeDelta::days(5),
            },
            now,
            pool: None,
            caps: [None; 4],
            blocked_by: self.limit.map(|_| LimitKind::User),
            blocked_scope: None,
        }
    }

    /// The one that has waited longest is the head.
    fn enqueue(&mut self, request: &ReserveRequest, need: Micros, state: &SpendState) {
        let since = request.waiting_since.unwrap_or(state.now);
        let before = |head: &Head| {
            head.id != request.waiter && head.expires_at > state.now && head.since <= since
        };
        if !self.head.as_ref().is_some_and(before) {
            self.head = Some(Head {
                id: request.waiter,
                since,
                need,
                expires_at: request.gives_up_at,
            });
        }
    }

    fn decide(&mut self, request: &ReserveRequest) -> ReserveOutcome {
        if let Some(scope) = self.caps_unknown {
            return ReserveOutcome::CapsUnknown(scope);
        }
        let state = self.state();
        let limit = self.limit.map(|limit| Limit {
            state: LimitState {
                limit,
                spent: state.spent,
                reserved: state.reserved,
                mode: BudgetMode::Enforce,
            },
            head: self.head,
        });
        let decision = decide(
            limit.as_slice(),
            &request.worst_case,
            request.waiter,
            request.patience,
            state.now,
        );
        match decision {
            Decision::Admit { hold, cap, lowered } => {
                let id = ReservationId::of(state.now, &rand::random());
                self.head.take_if(|head| head.id == request.waiter);
                self.open.insert(id, hold);
                ReserveOutcome::Admitted {
                    id,
                    account: ACCOUNT,
                    hold,
                    cap,
                    lowered,
                    state,
                }
            }
            Decision::Wait { need, .. } => {
                self.enqueue(request, need, &state);
                let limits = vec![LimitKey::user(USER)];
                ReserveOutcome::Wait { limits, state }
            }
            Decision::Refuse { .. } => ReserveOutcome::Refused(state),
            Decision::RetryLater { .. } => ReserveOutcome::RetryLater(state),
            Decision::NotBounded { reason, .. } => ReserveOutcome::NotBounded(reason, state),
        }
    }
}

#[derive(Debug)]
pub(super) struct FakeLedger {
    books: Mutex<Books>,
    changes: watch::Sender<()>,
}

impl FakeLedger {
    pub(super) fn new(limit: Option<Micros>) -> Self {
        let books = Books {
            limit,
            ..Books::default()
        };
        Self {
            books: Mutex::new(books),
            changes: watch::Sender::new(()),
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the books are as they should become.
    pub(super) async fn until(&self, enough: impl Fn(&Books) -> bool) {
        let mut changes = self.changes.subscribe();
        while !enough(&self.books()) {
            changes.changed().await.unwrap();
        }
    }

    fn change<T>(&self, work: impl FnOnce(&mut Books) -> T) -> T {
        let result = work(&mut self.books());
        self.changes.send_replace(());
        result
    }

    fn close(
        &self,
        id: ReservationId,
        work: impl FnOnce(&mut Books, Micros) -> (SettleEffect, Micros),
    ) -> StoreResult<SettleOutcome> {
        self.change(|books| {
            if books.close_failures > 0 {
                books.close_failures -= 1;
                return Err(StoreError::Unavailable("away".into()));
            }
            if books.close_bugs > 0 {
                books.close_bugs -= 1;
                return Err(StoreError::Internal("a bug".into()));
            }
            let (effect, over_hold) = match books.open.remove(&id) {
                Some(hold) => work(books, hold),
                None => (SettleEffect::Unknown, Micros::ZERO),
            };
            Ok(SettleOutcome {
                effect,
                freed: vec![LimitKey::user(USER)],
                over_hold,
            })
        })
    }
}

#[async_trait]
impl Ledger for FakeLedger {
    async fn reserve(&self, request: &ReserveRequest) -> Result<ReserveOutcome, ReserveFailure> {
        // Give way, as a real database does, so that requests interleave.
        tokio::task::yield_now().await;
        self.change(|books| {
            assert!(
                books.live_leases.contains(&request.lease_id),
                "reserved without a lease"
            );
            books.attempts += 1;
            let outcome = books.decide(request);
            if !std::mem::take(&mut books.lose_answer) {
                return Ok(outcome);
            }
            let ReserveOutcome::Admitted { id, account, .. } = outcome else {
                panic!("{outcome:?}");
            };
            Err(ReserveFailure {
                error: StoreError::Unavailable("the connection broke".into()),
                unsure: Some(Release { id, account }),
            })
        })
    }

    async fn wait_end(&self, end: WaitEnd) -> StoreResult<()> {
        self.change(|books| {
            books.head.take_if(|head| head.id == end.waiter);
            books.waits_ended += 1;
        });
        Ok(())
    }

    async fn settle(&self, settlement: &Settlement) -> StoreResult<SettleOutcome> {
        self.close(settlement.id, |books, hold| {
            let cost = settlement.cost.unwrap_or_default();
            books.spent = books.spent.saturating_add(cost);
            books.settled.push(settlement.clone());
            let over = cost.saturating_sub(hold).or_zero();
            books.over_reports += usize::from(over.0 > 0);
            (SettleEffect::Settled, over)
        })
    }

    async fn release(&self, release: Release) -> StoreResult<SettleOutcome> {
        self.close(release.id, |books, _hold| {
            books.released.push(release.id);
            (SettleEffect::Released, Micros::ZERO)
        })
    }

    async fn progress(&self, progress: &[Progress]) -> StoreResult<()> {
        self.change(|books| {
            books
                .progress
                .extend(progress.iter().map(|step| (step.id, step.output_tokens)));
        });
        Ok(())
    }

    async fn lease_renew(&self, lease: LeaseId, _ttl: chrono::Duration) -> StoreResult<bool> {
        Ok(self.change(|books| {
            let lapsed = std::mem::take(&mut books.lapse) && books.live_leases.remove(&lease);
            if !lapsed {
                books.live_leases.insert(lease);
            }
            !lapsed
        }))
    }

    async fn lease_end(&self, lease: LeaseId) -> StoreResult<()> {
        self.change(|books| books.live_leases.remove(&lease));
        Ok(())
    }

    async fn lease_end_others(&self, lease: LeaseId) -> StoreResult<u64> {
        self.change(|books| books.live_leases.retain(|live| *live == lease));
        Ok(0)
    }

    async fn sweep(&self, _limit: u32) -> StoreResult<Vec<LimitKey>> {
        Ok(Vec::new())
    }

    async fn months_make(&self) -> StoreResult<()> {
        Ok(())
    }
}
