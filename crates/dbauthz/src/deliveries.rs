//! The outbox: what is sent besides the inbox. Reached by system actors only.

use std::time::Duration;

use model::{ClaimId, DeliveryId, WebhookId, deliveries::Verdict};
use rbac::{Action, Object, ResourceType};
use store::{
    StoreResult,
    deliveries::{Claim, MailDispatch, Tidied, WebhookDispatch},
};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "delivery_webhook_claim",
        Shape::Check,
        &["notification:create", "deployment_config:read"],
        "system actors only; with the receivers' secrets",
    ),
    rule(
        "delivery_mail_claim",
        Shape::Check,
        &["notification:create", "notification:read", "user:read"],
        "system actors only",
    ),
    rule(
        "delivery_finish",
        Shape::Check,
        &["notification:create"],
        "system actors only; whoever holds the claim",
    ),
    rule(
        "delivery_mail_ready",
        Shape::Check,
        &["notification:create"],
        "system actors only",
    ),
    rule(
        "delivery_tidy",
        Shape::Check,
        &["notification:create"],
        "system actors only",
    ),
];

wrapper! {
    /// The outbox, each call authorized. Reached by system actors only.
    Deliveries
}

impl<U: store::WriteUnit + ?Sized> Deliveries<'_, U> {
    /// Takes messages to webhooks that are due.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn delivery_webhook_claim(
        &mut self,
        claim: &Claim,
        per_webhook: u32,
        busy: &[WebhookId],
    ) -> StoreResult<Vec<WebhookDispatch>> {
        self.may(Action::Create, ResourceType::Notification)?;
        self.may(Action::Read, ResourceType::DeploymentConfig)?;
        self.unit
            .delivery_webhook_claim(claim, per_webhook, busy)
            .await
    }

    /// Takes messages by mail that are due.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn delivery_mail_claim(&mut self, claim: &Claim) -> StoreResult<Vec<MailDispatch>> {
        self.may(Action::Create, ResourceType::Notification)?;
        self.may(Action::Read, ResourceType::Notification)?;
        self.may(Action::Read, ResourceType::User)?;
        self.unit.delivery_mail_claim(claim).await
    }

    /// Notes how an attempt went; whether the claim still held.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn delivery_finish(
        &mut self,
        id: DeliveryId,
        claim: ClaimId,
        verdict: &Verdict,
    ) -> StoreResult<bool> {
        self.may(Action::Create, ResourceType::Notification)?;
        self.unit.delivery_finish(id, claim, verdict).await
    }

    /// Says that mail can be sent for this long.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn delivery_mail_ready(&mut self, lasting: Duration) -> StoreResult<()> {
        self.may(Action::Create, ResourceType::Notification)?;
        self.unit.delivery_mail_ready(lasting).await
    }

    /// Gives up what has waited for too long, and removes what ended long ago.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn delivery_tidy(
        &mut self,
        patience: Duration,
        keep: Duration,
    ) -> StoreResult<Tidied> {
        self.may(Action::Create, ResourceType::Notification)?;
        self.unit.delivery_tidy(patience, keep).await
    }

    fn may(&self, action: Action, resource: ResourceType) -> StoreResult<()> {
        self.gate.check(action, &Object::new(resource))
    }
}
