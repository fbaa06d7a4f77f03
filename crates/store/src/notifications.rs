//! Messages to people: the inbox.

use async_trait::async_trait;

/// Reads messages to people: the inbox.
#[async_trait]
pub trait NotificationRead: Send {}

/// Changes messages to people: the inbox.
#[async_trait]
pub trait NotificationWrite: NotificationRead {}
