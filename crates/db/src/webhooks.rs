//! Where messages are sent to besides the inbox, and what is still to be sent.

use async_trait::async_trait;
use store::webhooks::{WebhookRead, WebhookWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> WebhookRead for Unit<Mode> {}

#[async_trait]
impl WebhookWrite for Unit<Writing> {}
