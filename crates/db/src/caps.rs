//! Caps of what people, and everybody together, may spend.

use async_trait::async_trait;
use store::caps::{CapRead, CapWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> CapRead for Unit<Mode> {}

#[async_trait]
impl CapWrite for Unit<Writing> {}
