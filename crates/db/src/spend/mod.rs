//! The spend ledger: counters under row locks, open reservations, and events that are never changed.
//!
//! **A batch** takes many steps in one transaction ([`batch`]): it reads the present ([`calendar`]) and what
//! holds ([`candidates`]), locks every counter that it can touch in the order of their keys ([`counter`]) and removes
//! the reservations that are closed ([`reservation`]); decides in memory ([`books`], [`reserving`],
//! [`extending`], [`reporting`]); and writes all of it in bulk, and whose alerts are due with it ([`alerting`]).
//!
//! **Order of locks.** The ledger's own lock, shared; then counters in the order of their keys; then the rows of
//! reservations, prices and days. So there is no circle, and whoever holds a counter knows what became of its
//! reservations. Whoever counts anew, because a period changed or a pool began, holds the ledger's lock alone.
//!
//! **Who decides.** SQL fetches and stores; what holds and who is admitted is decided by the pure functions
//! of `model::budgets` and `model::admission`, on counters that were read under their locks and budgets that were
//! read in the same transaction.
//!
//! **Which counters** a reservation or an event moves follows from person, charged group and the instant in its
//! id, by the present settings; no row says it.

mod alerting;
mod batch;
mod blocked;
mod books;
mod bounds;
mod calendar;
mod candidates;
mod cap_standing;
mod caps;
mod charged;
mod counter;
mod event;
mod extending;
mod lease;
mod moves;
mod prices;
mod reporting;
mod reservation;
mod reserving;
mod standing;
mod state;
mod steps;
mod subjects;
mod sweep;
mod verify;
mod watch;

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::{
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_query,
    sql_types::{Array, Text},
};
use model::{
    GroupId, LeaseId, UserId,
    caps::{CapScope, CapStanding},
    spend::{LedgerBatch, LedgerDifference, LedgerOp, LimitKey, LockWait, Progress, SpendView},
};
use store::{
    StoreResult,
    spend::{SpendRead, SpendWrite},
};

pub(crate) use self::{
    batch::{Counters, Manner, Writes, run_batch},
    charged::charged_organizations,
    steps::Step,
    watch::{Held, Missing, Watched, note_from, watch},
};
use crate::{
    notify::SPEND_CHANNEL,
    query::{Cached, run},
    unit::{Unit, Writing},
};

/// A statement whose values are bound one after the other without showing in its type.
type Sql<'a> = BoxedSqlQuery<'a, Pg, SqlQuery>;

fn sql<'a>(text: &'static str) -> Sql<'a> {
    sql_query(text).into_boxed()
}

/// A count as the database stores it; none comes near the limit.
fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[async_trait]
impl<Mode: Send + Sync> SpendRead for Unit<Mode> {
    async fn spend_get(&mut self, user: UserId) -> StoreResult<SpendView> {
        standing::spend_get(self.connection()?, self.cap_trust, user).await
    }

    async fn spend_blocked_count(&mut self) -> StoreResult<BTreeMap<GroupId, u64>> {
        blocked::spend_blocked_count(self.connection()?, self.cap_trust).await
    }

    async fn cap_standing_list(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<CapStanding>> {
        cap_standing::cap_standing_list(self.connection()?, self.cap_trust, scope, users).await
    }

    async fn ledger_verify(&mut self) -> StoreResult<Vec<LedgerDifference>> {
        verify::ledger_verify(self.connection()?).await
    }
}

#[async_trait]
impl SpendWrite for Unit<Writing> {
    async fn ledger_batch(&mut self, ops: &[LedgerOp], wait: LockWait) -> StoreResult<LedgerBatch> {
        let steps: Vec<Step<'_>> = ops.iter().map(Step::from).collect();
        self.batch(&steps, wait).await
    }

    async fn reservation_progress(&mut self, progress: &[Progress]) -> StoreResult<()> {
        lease::reservation_progress(self.connection()?, progress).await
    }

    async fn lease_renew(&mut self, lease: LeaseId, ttl: chrono::Duration) -> StoreResult<bool> {
        lease::lease_renew(self.connection()?, lease, ttl).await
    }

    async fn lease_end(&mut self, lease: LeaseId) -> StoreResult<()> {
        lease::lease_end(self.connection()?, lease).await
    }

    async fn lease_end_others(&mut self, lease: LeaseId) -> StoreResult<u64> {
        lease::lease_end_others(self.connection()?, lease).await
    }

    async fn reservation_sweep(&mut self, limit: u32) -> StoreResult<Vec<LimitKey>> {
        sweep::reservation_sweep(self.connection()?, limit).await
    }

    async fn ledger_months_make(&mut self) -> StoreResult<u64> {
        lease::ledger_months_make(self.connection()?).await
    }

    async fn spend_notify(&mut self, limits: &[LimitKey]) -> StoreResult<()> {
        let names: Vec<String> = limits.iter().map(ToString::to_string).collect();
        let call = sql("SELECT pg_notify($1, t.name) FROM unnest($2) AS t (name)")
            .bind::<Text, _>(SPEND_CHANNEL)
            .bind::<Array<Text>, _>(names);
        run(self.connection()?, Cached(call)).await.map(drop)
    }
}
