//! The seam between the pipeline and the spend ledger: each call is one committed step of a reservation.

use async_trait::async_trait;
use model::{
    LeaseId, ReservationId, UserId,
    spend::{Progress, ReserveOutcome, ReserveRequest, SettleOutcome, Settlement},
};
use store::StoreResult;

/// The ledger as the gateway uses it. Every call is its own unit of work, committed when it returns.
#[async_trait]
pub(crate) trait Ledger: Send + Sync + std::fmt::Debug {
    /// Decides about a request and, when it is admitted, holds its amount.
    async fn reserve(&self, request: &ReserveRequest) -> StoreResult<ReserveOutcome>;
    /// Takes a waiter out of the queue that all servers share.
    async fn wait_end(&self, user: UserId, id: ReservationId) -> StoreResult<()>;
    /// Closes a reservation with its cost and tells the other servers when somebody waits.
    async fn settle(&self, settlement: &Settlement) -> StoreResult<SettleOutcome>;
    /// Closes a reservation without a charge and tells the other servers when somebody waits.
    async fn release(&self, id: ReservationId) -> StoreResult<SettleOutcome>;
    /// Saves how far open requests have come.
    async fn progress(&self, progress: &[Progress]) -> StoreResult<()>;
    /// Takes or renews a lease; `false` when it had lapsed.
    async fn lease_renew(&self, lease: LeaseId, ttl: chrono::Duration) -> StoreResult<bool>;
    /// Ends a lease.
    async fn lease_end(&self, lease: LeaseId) -> StoreResult<()>;
    /// Ends all leases but this one.
    async fn lease_end_others(&self, lease: LeaseId) -> StoreResult<u64>;
    /// Settles reservations of lapsed leases and tells the other servers; whose they were.
    async fn sweep(&self, limit: u32) -> StoreResult<Vec<UserId>>;
}
