//! The fake's webhooks.

use async_trait::async_trait;
use store::webhooks::{WebhookRead, WebhookWrite};

use super::FakeUnit;

#[async_trait]
impl WebhookRead for FakeUnit {}

#[async_trait]
impl WebhookWrite for FakeUnit {}
