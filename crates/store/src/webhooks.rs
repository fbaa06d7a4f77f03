//! Receivers of events, and what was sent to them. Their secrets are encrypted at rest and leave the store for the
//! courier only.

use async_trait::async_trait;
use model::{
    Change, DeliveryId, Name, OrganizationId, WebhookId, deliveries::WebhookDelivery,
    webhooks::Webhook,
};
use secrecy::SecretString;

use crate::StoreResult;

/// A receiver to be made.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Its id.
    pub id: WebhookId,
    /// Its unique name.
    pub name: Name,
    /// Where messages go.
    pub url: url::Url,
    /// What messages are signed with, as the receiver knows it.
    pub secret: SecretString,
    /// Only events of this organization.
    pub organization_id: Option<OrganizationId>,
    /// Whether it is told of anything.
    pub enabled: bool,
}

/// A change of a receiver; `None` leaves a value as it is.
#[derive(Debug, Clone, Default)]
pub struct WebhookUpdate {
    /// A new unique name.
    pub name: Option<Name>,
    /// A new address.
    pub url: Option<url::Url>,
    /// A new secret.
    pub secret: Option<SecretString>,
    /// Which organization's events it is told of.
    pub organization_id: Change<OrganizationId>,
    /// Whether it is told of anything.
    pub enabled: Option<bool>,
}

/// Which deliveries are asked for: the newest, or those before one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The greatest number of rows.
    pub limit: u32,
    /// Only those that were written down before this one.
    pub before: Option<DeliveryId>,
}

/// Reads receivers.
#[async_trait]
pub trait WebhookRead: Send {
    /// One receiver.
    async fn webhook_get(&mut self, id: WebhookId) -> StoreResult<Option<Webhook>>;
    /// Every receiver, by name.
    async fn webhook_list(&mut self) -> StoreResult<Vec<Webhook>>;
    /// What was sent to a receiver and is to be sent, newest first.
    async fn webhook_delivery_list(
        &mut self,
        webhook: WebhookId,
        page: DeliveryPage,
    ) -> StoreResult<Vec<WebhookDelivery>>;
}

/// Changes receivers.
#[async_trait]
pub trait WebhookWrite: WebhookRead {
    /// Makes a receiver.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `webhooks_name_key`.
    async fn webhook_create(&mut self, new: &NewWebhook) -> StoreResult<Webhook>;
    /// Changes a receiver.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`]; [`crate::StoreError::Taken`] with `webhooks_name_key`.
    async fn webhook_update(
        &mut self,
        id: WebhookId,
        update: &WebhookUpdate,
    ) -> StoreResult<Webhook>;
    /// Removes a receiver, and what is still to be sent to it.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`].
    async fn webhook_delete(&mut self, id: WebhookId) -> StoreResult<()>;
    /// Puts a message without a meaning into the outbox, for whoever wants to see whether it arrives.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`].
    async fn webhook_ping(
        &mut self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> StoreResult<WebhookDelivery>;
    /// Has a delivery sent once more, under the same id, whatever became of it; one that waits is sent at once, and
    /// one that is being sent is left alone.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`].
    async fn webhook_redeliver(
        &mut self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> StoreResult<WebhookDelivery>;
}
