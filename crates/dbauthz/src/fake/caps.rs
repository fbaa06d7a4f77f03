//! The fake's caps.

use async_trait::async_trait;
use store::caps::{CapRead, CapWrite};

use super::FakeUnit;

#[async_trait]
impl CapRead for FakeUnit {}

#[async_trait]
impl CapWrite for FakeUnit {}
