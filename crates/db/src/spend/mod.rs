//! The spend ledger: counters under row locks, open reservations, and events that are never changed.
//!
//! **Order of locks.** Every step of a reservation's life locks the counter of its person and period first
//! and touches the reservation after that; no step but the sweep, of which one runs at a time, holds two
//! counters. So there is no deadlock, and whoever holds the counter knows what became of its reservations.
//!
//! **Who decides.** SQL fetches and stores; what holds and who is admitted is decided by the pure functions
//! of `model::budgets` and `model::admission`, on rows that were read after the lock was had.

mod counter;
mod event;
mod lease;
mod reserve;
mod settle;
mod standing;
mod sweep;
mod verify;

use async_trait::async_trait;
use diesel::{sql_query, sql_types::Text};
use diesel_async::AsyncPgConnection;
use model::{
    LeaseId, ReservationId, UserId,
    spend::{
        LedgerDifference, Progress, ReserveOutcome, ReserveRequest, SettleOutcome, Settlement,
        SpendView,
    },
};
use store::{
    StoreResult,
    spend::{SpendRead, SpendWrite},
};

use crate::{
    notify::SPEND_CHANNEL,
    query::{Cached, run},
    unit::{Unit, Writing},
};

/// A count as the database stores it; none comes near the limit.
fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Tells the other servers, when the unit commits, that this person's waiters may try again.
async fn notify(conn: &AsyncPgConnection, user: UserId) -> StoreResult<()> {
    let call = sql_query("SELECT pg_notify($1, $2)")
        .bind::<Text, _>(SPEND_CHANNEL)
        .bind::<Text, _>(user.to_string());
    run(conn, Cached(call)).await.map(drop)
}

#[async_trait]
impl<Mode: Send + Sync> SpendRead for Unit<Mode> {
    async fn spend_get(&mut self, user: UserId) -> StoreResult<SpendView> {
        standing::spend_get(self.connection()?, user).await
    }

    async fn ledger_verify(&mut self) -> StoreResult<Vec<LedgerDifference>> {
        verify::ledger_verify(self.connection()?).await
    }
}

#[async_trait]
impl SpendWrite for Unit<Writing> {
    async fn reservation_create(
        &mut self,
        request: &ReserveRequest,
    ) -> StoreResult<ReserveOutcome> {
        reserve::reservation_create(self.connection()?, request).await
    }

    async fn reservation_wait_end(&mut self, user: UserId, id: ReservationId) -> StoreResult<()> {
        reserve::reservation_wait_end(self.connection()?, user, id).await
    }

    async fn reservation_settle(&mut self, settlement: &Settlement) -> StoreResult<SettleOutcome> {
        settle::close(self.connection()?, settlement.id, Some(settlement)).await
    }

    async fn reservation_release(&mut self, id: ReservationId) -> StoreResult<SettleOutcome> {
        settle::close(self.connection()?, id, None).await
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

    async fn reservation_sweep(&mut self, limit: u32) -> StoreResult<Vec<UserId>> {
        sweep::reservation_sweep(self.connection()?, limit).await
    }

    async fn spend_notify(&mut self, user: UserId) -> StoreResult<()> {
        notify(self.connection()?, user).await
    }
}
