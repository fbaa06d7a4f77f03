//! Spend that other gateways report, or ask for first.

use async_trait::async_trait;
use chrono::Duration;
use model::{
    LeaseId, Micros, ReservationId, UserId,
    external_usage::{
        ChargedPerson, ExternalRecord, HoldUpdate, IdempotencyKey, NewExternal, PersonRef,
        TakenExternal,
    },
};

use crate::StoreResult;

/// Reads spend that other gateways report, or ask for first.
#[async_trait]
pub trait ExternalUsageRead: Send {
    /// What stands under these keys of a reporter, in no order; keys that were never taken are left out.
    async fn external_usage_get(
        &mut self,
        reporter: UserId,
        keys: &[IdempotencyKey],
    ) -> StoreResult<Vec<ExternalRecord>>;
    /// Who these are and whom their spend would be charged to at this instant, in this order; `None` for nobody.
    async fn external_usage_persons(
        &mut self,
        persons: &[PersonRef],
    ) -> StoreResult<Vec<Option<ChargedPerson>>>;
    /// The hold with this id.
    async fn external_reservation_get(
        &mut self,
        id: ReservationId,
    ) -> StoreResult<Option<ExternalRecord>>;
}

/// Takes keys, and writes down what the ledger made of them. All of it is in one unit with the ledger's step; the keys
/// come first, so that whoever holds a counter never waits for a key.
#[async_trait]
pub trait ExternalUsageWrite: ExternalUsageRead {
    /// Takes keys for spend that has happened, in the order of the keys; those that were free, in no order. Waits for
    /// whoever takes one of them at this moment.
    async fn external_usage_create(
        &mut self,
        reporter: UserId,
        new: &[NewExternal],
    ) -> StoreResult<Vec<IdempotencyKey>>;
    /// Takes a key for a hold, with a lease for it that lives as long; whether it was free.
    async fn external_reservation_create(
        &mut self,
        reporter: UserId,
        new: &NewExternal,
        hold: Micros,
        lease: LeaseId,
        lifetime: Duration,
    ) -> StoreResult<bool>;
    /// Writes down what the ledger made of keys that this unit has taken.
    async fn external_usage_record(
        &mut self,
        reporter: UserId,
        taken: &[TakenExternal],
    ) -> StoreResult<()>;
    /// The hold with this id, its row locked until the unit ends.
    async fn external_reservation_lock(
        &mut self,
        id: ReservationId,
    ) -> StoreResult<Option<ExternalRecord>>;
    /// Writes down what has become of an open hold, which is locked.
    async fn external_reservation_update(
        &mut self,
        id: ReservationId,
        update: &HoldUpdate,
    ) -> StoreResult<()>;
}
