//! The fake's idpsync.

use async_trait::async_trait;
use store::idpsync::{IdpsyncRead, IdpsyncWrite};

use super::FakeUnit;

#[async_trait]
impl IdpsyncRead for FakeUnit {}

#[async_trait]
impl IdpsyncWrite for FakeUnit {}
