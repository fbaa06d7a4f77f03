//! The fake's alerts.

use async_trait::async_trait;
use store::alerts::{AlertRead, AlertWrite};

use super::FakeUnit;

#[async_trait]
impl AlertRead for FakeUnit {}

#[async_trait]
impl AlertWrite for FakeUnit {}
