//! The fake's prices.

use async_trait::async_trait;
use store::prices::{PriceRead, PriceWrite};

use super::FakeUnit;

#[async_trait]
impl PriceRead for FakeUnit {}

#[async_trait]
impl PriceWrite for FakeUnit {}
