//! The seam between the pipeline and the spend ledger: each call is one committed step of a reservation.

use async_trait::async_trait;
use model::{
    LeaseId,
    spend::{
        LimitKey, Progress, Release, ReserveOutcome, ReserveRequest, SettleOutcome, Settlement,
        WaitEnd,
    },
};
use store::{StoreError, StoreResult};

/// Why a request to reserve has no answer.
#[derive(Debug, thiserror::Error)]
#[error("the ledger did not answer")]
pub struct ReserveFailure {
    /// What failed.
    #[source]
    pub error: StoreError,
    /// The reservation that may have been made all the same: it must be released until the ledger says that it is
    /// gone or never was.
    pub unsure: Option<Release>,
}

impl From<StoreError> for ReserveFailure {
    fn from(error: StoreError) -> Self {
        Self {
            error,
            unsure: None,
        }
    }
}

/// The ledger as the gateway uses it. Every call is durable when it returns.
#[async_trait]
pub trait Ledger: Send + Sync + std::fmt::Debug {
    /// Decides about a request and, when it is admitted, holds its amount.
    async fn reserve(&self, request: &ReserveRequest) -> Result<ReserveOutcome, ReserveFailure>;
    /// Takes a waiter out of the lines that all servers share.
    async fn wait_end(&self, end: WaitEnd) -> StoreResult<()>;
    /// Closes a reservation with its cost and tells the other servers when somebody waits.
    async fn settle(&self, settlement: &Settlement) -> StoreResult<SettleOutcome>;
    /// Closes a reservation without a charge and tells the other servers when somebody waits.
    async fn release(&self, release: Release) -> StoreResult<SettleOutcome>;
    /// Saves how far open requests have come.
    async fn progress(&self, progress: &[Progress]) -> StoreResult<()>;
    /// Takes or renews a lease; `false` when it had lapsed.
    async fn lease_renew(&self, lease: LeaseId, ttl: chrono::Duration) -> StoreResult<bool>;
    /// Ends a lease.
    async fn lease_end(&self, lease: LeaseId) -> StoreResult<()>;
    /// Ends all leases but this one.
    async fn lease_end_others(&self, lease: LeaseId) -> StoreResult<u64>;
    /// Settles reservations of lapsed leases and tells the other servers; the limits where that freed room.
    async fn sweep(&self, limit: u32) -> StoreResult<Vec<LimitKey>>;
    /// Makes the tables of the coming months.
    async fn months_make(&self) -> StoreResult<()>;
}
