//! Receivers of events, and what was sent to them.
//!
//! A receiver is a setting of the deployment, and so are its rights: who is told of every organization's spend is
//! decided by whoever decides the other settings. `notification` is about messages to people, which are their own.

use model::{
    DeliveryId, OrganizationId, WebhookId, deliveries::WebhookDelivery, webhooks::Webhook,
};
use rbac::{Action, Object};
use store::{
    StoreError, StoreResult,
    webhooks::{DeliveryPage, NewWebhook, WebhookUpdate},
};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule("webhook_get", Shape::Check, &["deployment_config:read"], ""),
    rule(
        "webhook_list",
        Shape::Check,
        &["deployment_config:read"],
        "",
    ),
    rule(
        "webhook_delivery_list",
        Shape::Check,
        &["deployment_config:read"],
        "",
    ),
    rule(
        "webhook_create",
        Shape::Check,
        &["deployment_config:update"],
        "",
    ),
    rule(
        "webhook_update",
        Shape::Check,
        &["deployment_config:update"],
        "",
    ),
    rule(
        "webhook_delete",
        Shape::Check,
        &["deployment_config:update"],
        "",
    ),
    rule(
        "webhook_ping",
        Shape::Check,
        &["deployment_config:update"],
        "",
    ),
    rule(
        "webhook_redeliver",
        Shape::Check,
        &["deployment_config:update"],
        "",
    ),
];

wrapper! {
    /// Receivers of events and what was sent to them, each call authorized.
    Webhooks
}

impl<U: store::ReadUnit + ?Sized> Webhooks<'_, U> {
    /// One receiver.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn webhook_get(&mut self, id: WebhookId) -> StoreResult<Webhook> {
        self.may(Action::Read)?;
        self.unit.webhook_get(id).await?.ok_or(StoreError::NotFound)
    }

    /// Every receiver, by name.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn webhook_list(&mut self) -> StoreResult<Vec<Webhook>> {
        self.may(Action::Read)?;
        self.unit.webhook_list().await
    }

    /// What was sent to a receiver and is to be sent, newest first.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn webhook_delivery_list(
        &mut self,
        webhook: WebhookId,
        page: DeliveryPage,
    ) -> StoreResult<Vec<WebhookDelivery>> {
        self.may(Action::Read)?;
        if self.unit.webhook_get(webhook).await?.is_none() {
            return Err(StoreError::NotFound);
        }
        self.unit.webhook_delivery_list(webhook, page).await
    }

    fn may(&self, action: Action) -> StoreResult<()> {
        self.gate.check(action, &Object::deployment_config())
    }

    /// The organization whose events are asked for is one, and has not ended.
    async fn known(&mut self, organization: Option<OrganizationId>) -> StoreResult<()> {
        let Some(id) = organization else {
            return Ok(());
        };
        if self.unit.organization_get(id).await?.is_none() {
            let constraint = "webhooks_organization_id_fkey".to_owned();
            return Err(StoreError::Violated(constraint));
        }
        Ok(())
    }
}

impl<U: store::WriteUnit + ?Sized> Webhooks<'_, U> {
    /// Makes a receiver.
    ///
    /// # Errors
    /// `Denied`, `Violated` for an organization that does not exist; as
    /// [`store::webhooks::WebhookWrite::webhook_create`].
    pub async fn webhook_create(&mut self, new: &NewWebhook) -> StoreResult<Webhook> {
        self.may(Action::Update)?;
        self.known(new.organization_id).await?;
        self.unit.webhook_create(new).await
    }

    /// Changes a receiver.
    ///
    /// # Errors
    /// `Denied`, `Violated` for an organization that does not exist; as
    /// [`store::webhooks::WebhookWrite::webhook_update`].
    pub async fn webhook_update(
        &mut self,
        id: WebhookId,
        update: &WebhookUpdate,
    ) -> StoreResult<Webhook> {
        self.may(Action::Update)?;
        self.known(update.organization_id.value().copied()).await?;
        self.unit.webhook_update(id, update).await
    }

    /// Removes a receiver, and what is still to be sent to it.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn webhook_delete(&mut self, id: WebhookId) -> StoreResult<()> {
        self.may(Action::Update)?;
        self.unit.webhook_delete(id).await
    }

    /// Puts a message without a meaning into the outbox.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn webhook_ping(
        &mut self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> StoreResult<WebhookDelivery> {
        self.may(Action::Update)?;
        self.unit.webhook_ping(webhook, id).await
    }

    /// Has a delivery sent once more, under the same id.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn webhook_redeliver(
        &mut self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> StoreResult<WebhookDelivery> {
        self.may(Action::Update)?;
        self.unit.webhook_redeliver(webhook, id).await
    }
}
