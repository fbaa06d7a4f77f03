//! Prices of models that this deployment sets itself.

use async_trait::async_trait;
use store::prices::{PriceRead, PriceWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> PriceRead for Unit<Mode> {}

#[async_trait]
impl PriceWrite for Unit<Writing> {}
