//! The fake's external usage.

use async_trait::async_trait;
use store::external_usage::{ExternalUsageRead, ExternalUsageWrite};

use super::FakeUnit;

#[async_trait]
impl ExternalUsageRead for FakeUnit {}

#[async_trait]
impl ExternalUsageWrite for FakeUnit {}
