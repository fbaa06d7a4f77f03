//! The fake's webhooks.

use async_trait::async_trait;
use model::{
    Change, DeliveryId, WebhookId,
    deliveries::{DeliveryState, WebhookDelivery},
    webhooks::Webhook,
};
use store::{
    StoreError, StoreResult,
    webhooks::{DeliveryPage, NewWebhook, WebhookRead, WebhookUpdate, WebhookWrite},
};

use super::FakeUnit;

#[async_trait]
impl WebhookRead for FakeUnit {
    async fn webhook_get(&mut self, id: WebhookId) -> StoreResult<Option<Webhook>> {
        let known = &self.call("webhook_get").webhooks;
        Ok(known.iter().find(|webhook| webhook.id == id).cloned())
    }

    async fn webhook_list(&mut self) -> StoreResult<Vec<Webhook>> {
        Ok(self.call("webhook_list").webhooks.clone())
    }

    async fn webhook_delivery_list(
        &mut self,
        webhook: WebhookId,
        _page: DeliveryPage,
    ) -> StoreResult<Vec<WebhookDelivery>> {
        let known = self.call("webhook_delivery_list").webhook_deliveries.iter();
        let known = known.filter(|delivery| delivery.webhook_id == webhook);
        Ok(known.cloned().collect())
    }
}

#[async_trait]
impl WebhookWrite for FakeUnit {
    async fn webhook_create(&mut self, new: &NewWebhook) -> StoreResult<Webhook> {
        let state = self.call("webhook_create");
        let webhook = Webhook {
            id: new.id,
            name: new.name.clone(),
            url: new.url.clone(),
            organization_id: new.organization_id,
            enabled: new.enabled,
            created_at: state.now,
            updated_at: state.now,
        };
        state.webhooks.push(webhook.clone());
        Ok(webhook)
    }

    async fn webhook_update(
        &mut self,
        id: WebhookId,
        update: &WebhookUpdate,
    ) -> StoreResult<Webhook> {
        let known = &mut self.call("webhook_update").webhooks;
        let webhook = known.iter_mut().find(|webhook| webhook.id == id);
        let webhook = webhook.ok_or(StoreError::NotFound)?;
        webhook.enabled = update.enabled.unwrap_or(webhook.enabled);
        if update.organization_id != Change::Keep {
            webhook.organization_id = update.organization_id.of(webhook.organization_id);
        }
        Ok(webhook.clone())
    }

    async fn webhook_delete(&mut self, id: WebhookId) -> StoreResult<()> {
        let known = &mut self.call("webhook_delete").webhooks;
        let place = known.iter().position(|webhook| webhook.id == id);
        known.remove(place.ok_or(StoreError::NotFound)?);
        Ok(())
    }

    async fn webhook_ping(
        &mut self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> StoreResult<WebhookDelivery> {
        let state = self.call("webhook_ping");
        if !state.webhooks.iter().any(|known| known.id == webhook) {
            return Err(StoreError::NotFound);
        }
        let delivery = WebhookDelivery {
            id,
            webhook_id: webhook,
            event_type: "ping".to_owned(),
            body: "{}".to_owned(),
            state: DeliveryState::Pending {
                next_attempt_at: state.now,
            },
            attempts: 0,
            last_error: None,
            created_at: state.now,
        };
        state.webhook_deliveries.push(delivery.clone());
        Ok(delivery)
    }

    async fn webhook_redeliver(
        &mut self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> StoreResult<WebhookDelivery> {
        let known = &self.call("webhook_redeliver").webhook_deliveries;
        let found = known
            .iter()
            .find(|delivery| delivery.webhook_id == webhook && delivery.id == id);
        found.cloned().ok_or(StoreError::NotFound)
    }
}
