//! The spend ledger: reserve, settle, release; leases; what a person spent.

use async_trait::async_trait;
use model::{
    LeaseId, ReservationId, UserId,
    spend::{
        LedgerDifference, Progress, ReserveOutcome, ReserveRequest, SettleOutcome, Settlement,
        SpendView,
    },
};

use crate::StoreResult;

/// Reads the ledger.
#[async_trait]
pub trait SpendRead: Send {
    /// What holds for a person at this instant: limit, spent, reserved, period, and why.
    async fn spend_get(&mut self, user: UserId) -> StoreResult<SpendView>;
    /// Every counter that differs from the recount of its events and open reservations.
    async fn ledger_verify(&mut self) -> StoreResult<Vec<LedgerDifference>>;
}

/// Writes the ledger. Each call is one step of the reservation's life; the unit's commit makes it so.
#[async_trait]
pub trait SpendWrite: SpendRead {
    /// Locks the person's counter, decides by [`model::admission::judge`] and, when admitted, writes the
    /// open reservation and holds its amount.
    async fn reservation_create(&mut self, request: &ReserveRequest)
    -> StoreResult<ReserveOutcome>;
    /// The waiter leaves the queue without being admitted: nobody yields to it any longer.
    async fn reservation_wait_end(&mut self, user: UserId, id: ReservationId) -> StoreResult<()>;
    /// Closes a reservation with what it cost: exactly once, whatever happened to it meanwhile.
    async fn reservation_settle(&mut self, settlement: &Settlement) -> StoreResult<SettleOutcome>;
    /// Closes a reservation whose request was never written upstream or was answered with an error.
    async fn reservation_release(&mut self, id: ReservationId) -> StoreResult<SettleOutcome>;
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
    /// the whole hold, marked estimated. Returns whose they were. Does nothing while another server sweeps.
    async fn reservation_sweep(&mut self, limit: u32) -> StoreResult<Vec<UserId>>;
    /// Tells the other servers that this person's waiters may try again. A hint: it may be lost.
    async fn spend_notify(&mut self, user: UserId) -> StoreResult<()>;
}
