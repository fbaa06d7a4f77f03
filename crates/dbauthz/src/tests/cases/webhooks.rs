//! Calls and checks of webhooks and of the outbox.

use std::time::Duration;

use model::{ClaimId, DeliveryId, WebhookId, deliveries::Verdict};
use rbac::{
    Action::{Create, Read, Update},
    Object,
    ResourceType::{Notification, User},
};
use store::{
    deliveries::Claim,
    webhooks::{DeliveryPage, NewWebhook, WebhookUpdate},
};
use uuid::Uuid;

use super::{Case, allow, case};
use crate::tests::world::{DELIVERY, WEBHOOK, name};

const PAGE: DeliveryPage = DeliveryPage {
    limit: 10,
    before: None,
};

fn new_webhook() -> NewWebhook {
    NewWebhook {
        id: WebhookId(Uuid::from_u128(5)),
        name: name("new"),
        url: "https://example.com/in".parse().unwrap(),
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
        organization_id: None,
        enabled: true,
    }
}

pub(super) fn webhooks() -> Vec<Case> {
    let settings = Object::deployment_config;
    let (read, update) = (allow(Read, settings()), allow(Update, settings()));
    vec![
        case!("webhook_get", u => u.webhooks().webhook_get(WEBHOOK), [read.clone()]),
        case!("webhook_list", u => u.webhooks().webhook_list(), [read.clone()]),
        case!(
            "webhook_delivery_list",
            u => u.webhooks().webhook_delivery_list(WEBHOOK, PAGE),
            [read]
        ),
        case!("webhook_create", u => u.webhooks().webhook_create(&new_webhook()), [update.clone()]),
        case!(
            "webhook_update",
            u => u.webhooks().webhook_update(WEBHOOK, &WebhookUpdate::default()),
            [update.clone()]
        ),
        case!("webhook_delete", u => u.webhooks().webhook_delete(WEBHOOK), [update.clone()]),
        case!(
            "webhook_ping",
            u => u.webhooks().webhook_ping(WEBHOOK, DeliveryId(Uuid::from_u128(6))),
            [update.clone()]
        ),
        case!(
            "webhook_redeliver",
            u => u.webhooks().webhook_redeliver(WEBHOOK, DELIVERY),
            [update]
        ),
    ]
}

const CLAIM: Claim = Claim {
    id: ClaimId(Uuid::from_u128(7)),
    lease: Duration::from_secs(60),
    limit: 5,
};

pub(super) fn deliveries() -> Vec<Case> {
    let send = || allow(Create, Object::new(Notification));
    vec![
        case!(
            system "delivery_webhook_claim",
            u => u.deliveries().delivery_webhook_claim(&CLAIM, 2, &[]),
            [send(), allow(Read, Object::deployment_config())]
        ),
        case!(
            system "delivery_mail_claim",
            u => u.deliveries().delivery_mail_claim(&CLAIM),
            [send(), allow(Read, Object::new(Notification)), allow(Read, Object::new(User))]
        ),
        case!(
            system "delivery_finish",
            u => u.deliveries().delivery_finish(DELIVERY, CLAIM.id, &Verdict::Delivered),
            [send()]
        ),
        case!(
            system "delivery_mail_ready",
            u => u.deliveries().delivery_mail_ready(Duration::from_secs(1)),
            [send()]
        ),
        case!(
            system "delivery_tidy",
            u => u.deliveries().delivery_tidy(Duration::from_secs(1), Duration::from_secs(1)),
            [send()]
        ),
    ]
}
