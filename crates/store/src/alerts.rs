//! Alerts: who must be told that spend has come to a threshold of a limit.

use async_trait::async_trait;

/// Reads alerts: who must be told that spend has come to a threshold of a limit.
#[async_trait]
pub trait AlertRead: Send {}

/// Changes alerts: who must be told that spend has come to a threshold of a limit.
#[async_trait]
pub trait AlertWrite: AlertRead {}
