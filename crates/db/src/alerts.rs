//! Alerts: who must be told that spend has come to a threshold of a limit.

use async_trait::async_trait;
use store::alerts::{AlertRead, AlertWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> AlertRead for Unit<Mode> {}

#[async_trait]
impl AlertWrite for Unit<Writing> {}
