//! Where messages are sent to besides the inbox, and what is still to be sent.

use async_trait::async_trait;

/// Reads where messages are sent to besides the inbox, and what is still to be sent.
#[async_trait]
pub trait WebhookRead: Send {}

/// Changes where messages are sent to besides the inbox, and what is still to be sent.
#[async_trait]
pub trait WebhookWrite: WebhookRead {}
