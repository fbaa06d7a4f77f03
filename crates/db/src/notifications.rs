//! Messages to people: the inbox.

use async_trait::async_trait;
use store::notifications::{NotificationRead, NotificationWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> NotificationRead for Unit<Mode> {}

#[async_trait]
impl NotificationWrite for Unit<Writing> {}
