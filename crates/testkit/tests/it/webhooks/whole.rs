//! From what somebody spends to what arrives, through whole servers.

use std::collections::{BTreeMap, BTreeSet};

use bursar::{
    cli,
    notifications::{NotificationOptions, SmtpTls},
};
use bursar_sdk::{
    CreateWebhookRequest, UpsertGroupAiBudgetRequest, WebhookDeliveryListQuery,
    WebhookDeliveryState, WebhookEvent,
};
use fakeprovider::Script;
use model::{Micros, webhooks::SigningKey};
use notifier::verify;
use testkit::{
    ServerOptions, TestMailServer, TestReceiver, TestServer, World, world::chat_request,
};

use crate::calls::until;

fn options(change: impl FnOnce(&mut NotificationOptions)) -> ServerOptions {
    let mut notifications = cli::ServerOptions::with_defaults().unwrap().notifications;
    notifications.webhooks_allow_private_addresses = true;
    change(&mut notifications);
    ServerOptions {
        notifications: Some(notifications),
        ..ServerOptions::default()
    }
}

fn webhook(name: &str, url: String) -> CreateWebhookRequest {
    CreateWebhookRequest {
        name: name.to_owned(),
        url,
        secret: None,
        organization_id: None,
        enabled: None,
    }
}

#[tokio::test]
async fn spend_that_comes_to_a_threshold_is_told_to_programs_and_by_mail() {
    let receiver = TestReceiver::start(&[]).await.unwrap();
    let mail = TestMailServer::start(&[]).await.unwrap();
    let options = options(|options| {
        options.smtp_host = Some("127.0.0.1".to_owned());
        options.smtp_port = Some(mail.port());
        options.smtp_tls = SmtpTls::None;
        options.smtp_from = Some("bursar@example.org".to_owned());
    });
    let world = World::with_options(Script::default(), Micros::USD, &options)
        .await
        .unwrap();
    let owner = &world.cast.owner;
    let made = owner
        .webhook_create(&webhook("pager", receiver.url()))
        .await
        .unwrap();
    let answer = world
        .chat(
            &world.server,
            &world.cast.member_token,
            &chat_request("gpt-4o"),
        )
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    until("the settlement", || async {
        world.spend(&world.cast.member).await.unwrap().0 > 0
    })
    .await;
    let (spent, _) = world.spend(&world.cast.member).await.unwrap();
    // A limit at what was spent: every threshold is reached.
    let lower = UpsertGroupAiBudgetRequest {
        spend_limit_micros: spent,
        ..Default::default()
    };
    owner
        .group_budget_upsert(world.cast.group_id, &lower)
        .await
        .unwrap();
    until("the message", || async { !receiver.received().is_empty() }).await;
    let request = receiver.received().remove(0);
    let key = SigningKey::parse(made.secret.expose()).unwrap();
    let header = |name: &str| request.headers[name].as_str();
    let at = header("webhook-timestamp").parse().unwrap();
    let (id, signature) = (header("webhook-id"), header("webhook-signature"));
    assert!(verify(&key, id, at, &request.body, signature));
    let event: WebhookEvent = serde_json::from_slice(&request.body).unwrap();
    let WebhookEvent::BudgetThresholdReached { data, .. } = event else {
        panic!("{event:?}");
    };
    assert_eq!((data.limit_micros, data.spent_micros), (spent, spent));
    assert_eq!(data.organization_name.as_deref(), Some("acme"));
    // Three thresholds, to the person and to the owner.
    until("the mails", || async { mail.letters().len() == 6 }).await;
    let mut inboxes = BTreeMap::new();
    for address in mail.letters().into_iter().flat_map(|letter| letter.to) {
        *inboxes.entry(address).or_insert(0) += 1;
    }
    let each = ["<ada@example.com>", "<owner@example.com>"].map(|address| (address.to_owned(), 3));
    assert_eq!(inboxes, BTreeMap::from(each));
    let metrics = owner.metrics().await.unwrap();
    assert!(
        metrics.contains("bursar_notifications_deliveries_total"),
        "{metrics}"
    );
    world.server.stop().await.unwrap();
}

#[tokio::test]
async fn two_servers_share_the_outbox_and_a_third_refuses_to_go_into_the_house() {
    let receiver = TestReceiver::start(&[]).await.unwrap();
    let world = World::with_options(Script::default(), Micros::USD, &options(|_| {}))
        .await
        .unwrap();
    let other = TestServer::start(&world.database, &options(|_| {}))
        .await
        .unwrap();
    let owner = &world.cast.owner;
    let made = owner
        .webhook_create(&webhook("pager", receiver.url()))
        .await
        .unwrap();
    let id = made.webhook.id;
    let mut sent = BTreeSet::new();
    for _ in 0..20 {
        sent.insert(owner.webhook_ping(id).await.unwrap().id);
    }
    let list = || async {
        let query = WebhookDeliveryListQuery::default();
        owner.webhook_delivery_list(id, &query).await.unwrap()
    };
    until("every delivery", || async {
        let found = list().await;
        found
            .iter()
            .all(|one| one.state == WebhookDeliveryState::Delivered)
    })
    .await;
    let received = receiver.received();
    assert_eq!(received.len(), sent.len());
    let ids: BTreeSet<_> = received
        .iter()
        .map(|request| request.headers["webhook-id"].parse().unwrap())
        .collect();
    assert_eq!(ids, sent);
    other.stop().await.unwrap();
    let database = world.database.clone();
    let owner = owner.clone();
    world.server.stop().await.unwrap();

    let careful = TestServer::start(&database, &ServerOptions::default())
        .await
        .unwrap();
    let owner = careful.as_caller(&owner);
    let refused = owner
        .webhook_create(&webhook("inner", receiver.url()))
        .await;
    crate::support::refused(refused, 400);
    let ping = owner.webhook_ping(id).await.unwrap();
    until("the refusal", || async {
        let query = WebhookDeliveryListQuery::default();
        let found = owner.webhook_delivery_list(id, &query).await.unwrap();
        let delivery = found.into_iter().find(|one| one.id == ping.id).unwrap();
        delivery
            .last_error
            .is_some_and(|error| error.contains("not allowed"))
    })
    .await;
    assert_eq!(receiver.received().len(), sent.len());
    careful.stop().await.unwrap();
}
