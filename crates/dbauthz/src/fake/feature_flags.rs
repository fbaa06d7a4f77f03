//! The fake's feature flags.

use async_trait::async_trait;
use store::feature_flags::{FeatureFlagRead, FeatureFlagWrite};

use super::FakeUnit;

#[async_trait]
impl FeatureFlagRead for FakeUnit {}

#[async_trait]
impl FeatureFlagWrite for FakeUnit {}
