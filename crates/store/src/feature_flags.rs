//! Features that are switched on and off while the servers run.

use async_trait::async_trait;

/// Reads features that are switched on and off while the servers run.
#[async_trait]
pub trait FeatureFlagRead: Send {}

/// Changes features that are switched on and off while the servers run.
#[async_trait]
pub trait FeatureFlagWrite: FeatureFlagRead {}
