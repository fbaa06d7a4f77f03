//! Features that are switched on and off while the servers run.

use async_trait::async_trait;
use store::feature_flags::{FeatureFlagRead, FeatureFlagWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> FeatureFlagRead for Unit<Mode> {}

#[async_trait]
impl FeatureFlagWrite for Unit<Writing> {}
