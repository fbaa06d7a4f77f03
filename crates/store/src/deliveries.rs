//! The outbox: what is sent besides the inbox. Rows come into it by the database itself, in the transaction of what
//! they tell of; servers claim them, send them and note how it went. A claim that nobody comes back to lapses.

use std::time::Duration;

use async_trait::async_trait;
use model::{ClaimId, DeliveryId, WebhookId, deliveries::Verdict};
use secrecy::SecretString;

use crate::StoreResult;

/// What a server takes upon itself to send.
#[derive(Debug, Clone)]
pub struct Claim {
    /// A fresh id: only who holds it may note how it went.
    pub id: ClaimId,
    /// How long it holds; then another server may send.
    pub lease: Duration,
    /// The greatest number of deliveries.
    pub limit: u32,
}

/// A message to a webhook.
#[derive(Debug, Clone)]
pub struct WebhookDispatch {
    /// What the receiver knows it by.
    pub id: DeliveryId,
    /// The number of this attempt, counted from one.
    pub attempt: u32,
    /// The receiver.
    pub webhook_id: WebhookId,
    /// Where it goes.
    pub url: String,
    /// What it is signed with; `None` when it was sealed with another encryption key.
    pub secret: Option<SecretString>,
    /// What is sent: JSON.
    pub body: String,
}

/// A message by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailDispatch {
    /// What the receiver knows it by.
    pub id: DeliveryId,
    /// The number of this attempt, counted from one.
    pub attempt: u32,
    /// The account's address; `None` when nobody may sign in to it any more.
    pub email: Option<String>,
    /// What it is about.
    pub title: String,
    /// What it says.
    pub content: String,
}

/// What the tidying left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// How many deliveries were given up because they waited too long.
    pub expired: u64,
    /// How many old ones were removed.
    pub removed: u64,
}

/// Works off the outbox.
#[async_trait]
pub trait DeliveryWrite: Send {
    /// Takes messages to webhooks that are due and that nobody holds, oldest first: up to `per_webhook` for each that
    /// is enabled and not among the `busy`.
    async fn delivery_webhook_claim(
        &mut self,
        claim: &Claim,
        per_webhook: u32,
        busy: &[WebhookId],
    ) -> StoreResult<Vec<WebhookDispatch>>;
    /// Takes messages by mail that are due and that nobody holds, oldest first.
    async fn delivery_mail_claim(&mut self, claim: &Claim) -> StoreResult<Vec<MailDispatch>>;
    /// Notes how an attempt went; whether the claim still held, otherwise nothing is noted.
    async fn delivery_finish(
        &mut self,
        id: DeliveryId,
        claim: ClaimId,
        verdict: &Verdict,
    ) -> StoreResult<bool>;
    /// Says that mail can be sent for this long. Without anybody who says so, none is put into the outbox.
    async fn delivery_mail_ready(&mut self, lasting: Duration) -> StoreResult<()>;
    /// Gives up what has waited for longer than `patience`, and removes what has ended for longer than `keep`.
    async fn delivery_tidy(&mut self, patience: Duration, keep: Duration) -> StoreResult<Tidied>;
}
