//! Spend that other gateways report, or ask for first.

use async_trait::async_trait;
use store::external_usage::{ExternalUsageRead, ExternalUsageWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> ExternalUsageRead for Unit<Mode> {}

#[async_trait]
impl ExternalUsageWrite for Unit<Writing> {}
