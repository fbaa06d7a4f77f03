//! The fake's notifications.

use async_trait::async_trait;
use store::notifications::{NotificationRead, NotificationWrite};

use super::FakeUnit;

#[async_trait]
impl NotificationRead for FakeUnit {}

#[async_trait]
impl NotificationWrite for FakeUnit {}
