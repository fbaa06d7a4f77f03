//! The spend ledger: reserve, settle, release; leases; what a person spent.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{
    GroupId, LeaseId, UserId,
    caps::{CapScope, CapStanding},
    spend::{LedgerBatch, LedgerDifference, LedgerOp, LimitKey, LockWait, Progress, SpendView},
};

use crate::StoreResult;

/// Reads the ledger.
#[async_trait]
pub trait SpendRead: Send {
    /// What holds for a person at this instant: limit, spent, reserved, period, and why.
    async fn spend_get(&mut self, user: UserId) -> StoreResult<SpendView>;
    /// How many people a limit keeps from spending anything at this instant, by the group that their spend is
    /// charged to; groups without any are left out. Suspended people are not counted.
    async fn spend_blocked_count(&mut self) -> StoreResult<BTreeMap<GroupId, u64>>;
    /// Where each of these people stands under the caps of a subscription at this instant, in their order. Who has
    /// spent nothing stands at zero, whether they exist or not.
    async fn cap_standing_list(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<CapStanding>>;
    /// Every figure that differs from the recount of its events and open reservations.
    async fn ledger_verify(&mut self) -> StoreResult<Vec<LedgerDifference>>;
}

/// Writes the ledger; the unit's commit makes it so.
#[async_trait]
pub trait SpendWrite: SpendRead {
    /// Takes many steps at once, each as if it were alone: locks the counters that they can touch, in the order
    /// of their keys, closes what is to be closed, then decides about what is to be reserved, in this order.
    /// The only call of its unit.
    ///
    /// # Errors
    /// One for all of them, with nothing done: whoever wants to know whose it was tries them one by one.
    async fn ledger_batch(&mut self, ops: &[LedgerOp], wait: LockWait) -> StoreResult<LedgerBatch>;
    /// Saves how far open requests have come.
    async fn reservation_progress(&mut self, progress: &[Progress]) -> StoreResult<()>;
    /// Takes or renews a server's lease for `ttl`; `false` when it had lapsed and may have been swept,
    /// so that a new one must be taken.
    async fn lease_renew(&mut self, lease: LeaseId, ttl: chrono::Duration) -> StoreResult<bool>;
    /// Ends a server's lease at once, as a clean stop does when nothing is open any more.
    async fn lease_end(&mut self, lease: LeaseId) -> StoreResult<()>;
    /// Ends every lease but this one: for a server that knows that it is alone on its database.
    async fn lease_end_others(&mut self, lease: LeaseId) -> StoreResult<u64>;
    /// Settles the reservations of lapsed leases, at most `limit`, charged with the saved progress, else
    /// the whole hold, marked estimated. Returns the limits where that freed room. Does nothing while another
    /// server sweeps.
    async fn reservation_sweep(&mut self, limit: u32) -> StoreResult<Vec<LimitKey>>;
    /// Makes the tables of the coming months; how many were missing.
    async fn ledger_months_make(&mut self) -> StoreResult<u64>;
    /// Tells the other servers that waiters at these limits may try again. A hint: it may be lost.
    async fn spend_notify(&mut self, limits: &[LimitKey]) -> StoreResult<()>;
}
