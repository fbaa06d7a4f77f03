//! Prices of models that this deployment sets itself.

use async_trait::async_trait;

/// Reads prices of models that this deployment sets itself.
#[async_trait]
pub trait PriceRead: Send {}

/// Changes prices of models that this deployment sets itself.
#[async_trait]
pub trait PriceWrite: PriceRead {}
