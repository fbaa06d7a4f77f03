//! Alerts: who must be told that spend has come to a threshold of a limit.

use async_trait::async_trait;
use model::alerts::AlertPass;

use crate::StoreResult;

/// Reads alerts: who must be told that spend has come to a threshold of a limit.
#[async_trait]
pub trait AlertRead: Send {
    /// Whether there is a limit that must be looked at.
    async fn alerts_due(&mut self) -> StoreResult<bool>;
}

/// Tells of thresholds that spend has come to.
#[async_trait]
pub trait AlertWrite: AlertRead {
    /// Looks at so many of the limits that must be looked at, and writes who must be told into their inboxes, each
    /// threshold once for a limit and period. While another server does so, nothing.
    async fn alerts_evaluate(&mut self, limit: u32) -> StoreResult<AlertPass>;
}
