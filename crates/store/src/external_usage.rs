//! Spend that other gateways report, or ask for first.

use async_trait::async_trait;

/// Reads spend that other gateways report, or ask for first.
#[async_trait]
pub trait ExternalUsageRead: Send {}

/// Changes spend that other gateways report, or ask for first.
#[async_trait]
pub trait ExternalUsageWrite: ExternalUsageRead {}
