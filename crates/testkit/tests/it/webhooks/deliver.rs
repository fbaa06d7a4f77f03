//! Messages arrive: signed, once in the normal case, again after what went wrong, and never twice of one alert.

use std::{collections::BTreeSet, time::Duration};

use bursar_sdk::{BudgetThreshold, WebhookEvent};
use model::{OrganizationId, UserId, deliveries::DeliveryState};
use testkit::{Behaviour, TestReceiver};
use uuid::Uuid;

use super::{House, config, delivered, signed};
use crate::calls::until;

#[tokio::test]
async fn a_message_arrives_signed_and_says_what_it_is() {
    let house = House::new().await;
    let receiver = TestReceiver::start(&[]).await.unwrap();
    let webhook = house.webhook("pager", &receiver.url()).await;
    let id = house.ping(webhook).await;
    let courier = house.courier(config());
    let delivery = house.ended(webhook, id).await;
    assert!(delivered(&delivery), "{delivery:?}");
    assert_eq!((delivery.attempts, delivery.last_error), (1, None));
    let received = receiver.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].line, "POST /in?token=t0ken HTTP/1.1");
    assert_eq!(signed(&received[0]), id);
    let event: WebhookEvent = serde_json::from_slice(&received[0].body).unwrap();
    let WebhookEvent::Ping { data, .. } = event else {
        panic!("{event:?}");
    };
    assert_eq!((data.webhook_id, data.name.as_str()), (webhook.0, "pager"));
    courier.stop().await;
}

#[tokio::test]
async fn what_fails_is_tried_again_under_the_same_id() {
    let house = House::new().await;
    let elsewhere = TestReceiver::start(&[]).await.unwrap();
    let location = format!("location: {}", elsewhere.url());
    let receiver = TestReceiver::start(&[
        Behaviour::Answer(500),
        Behaviour::AnswerWith(429, "retry-after: 1".to_owned()),
        Behaviour::Close,
        Behaviour::AnswerWith(307, location),
    ])
    .await
    .unwrap();
    let webhook = house.webhook("pager", &receiver.url()).await;
    let id = house.ping(webhook).await;
    let courier = house.courier(config());
    let delivery = house.ended(webhook, id).await;
    assert!(delivered(&delivery), "{delivery:?}");
    assert_eq!(delivery.attempts, 5);
    let error = delivery.last_error.unwrap();
    assert_eq!(error, "the receiver answered 307 Temporary Redirect");
    let received = receiver.received();
    assert_eq!(received.len(), 5);
    for request in &received {
        assert_eq!(signed(request), id);
        assert_eq!(request.body, received[0].body);
    }
    // The receiver was left alone for as long as it asked.
    let pause = received[2].at - received[1].at;
    assert!(pause >= Duration::from_secs(1), "{pause:?}");
    // Nobody was sent elsewhere.
    assert!(elsewhere.received().is_empty());
    courier.stop().await;
}

#[tokio::test]
async fn what_never_works_is_given_up_and_sent_once_more_when_asked_for() {
    let house = House::new().await;
    let receiver = TestReceiver::start(&[]).await.unwrap();
    receiver.always(Behaviour::Answer(500));
    let webhook = house.webhook("pager", &receiver.url()).await;
    let id = house.ping(webhook).await;
    let mut config = config();
    config.retry.attempts = 3;
    let courier = house.courier(config);
    let delivery = house.ended(webhook, id).await;
    assert!(matches!(delivery.state, DeliveryState::Failed { .. }));
    assert_eq!(delivery.attempts, 3);
    assert_eq!(receiver.received().len(), 3);

    receiver.always(Behaviour::Answer(200));
    let mut unit = house.begin().await;
    unit.webhook_redeliver(webhook, id).await.unwrap();
    unit.commit().await.unwrap();
    let delivery = house.ended(webhook, id).await;
    assert!(delivered(&delivery), "{delivery:?}");
    assert_eq!(delivery.attempts, 1);
    let received = receiver.received();
    assert_eq!((received.len(), signed(&received[3])), (4, id));

    // A receiver that is gone for good is not asked again.
    receiver.always(Behaviour::Answer(410));
    let id = house.ping(webhook).await;
    let delivery = house.ended(webhook, id).await;
    assert!(matches!(delivery.state, DeliveryState::Failed { .. }));
    assert_eq!((delivery.attempts, receiver.received().len()), (1, 5));
    courier.stop().await;
}

#[tokio::test]
async fn two_servers_on_one_database_deliver_each_message_once() {
    let house = House::new().await;
    let receiver = TestReceiver::start(&[]).await.unwrap();
    let webhook = house.webhook("pager", &receiver.url()).await;
    let couriers = [house.courier(config()), house.courier(config())];
    let mut sent = BTreeSet::new();
    for _ in 0..60 {
        sent.insert(house.ping(webhook).await);
    }
    until("every delivery", || async {
        house.deliveries(webhook).await.iter().all(delivered)
    })
    .await;
    for courier in couriers {
        courier.stop().await;
    }
    let received: Vec<_> = receiver.received().iter().map(signed).collect();
    assert_eq!(received.len(), sent.len());
    assert_eq!(received.into_iter().collect::<BTreeSet<_>>(), sent);
}

#[tokio::test]
async fn an_alert_is_told_to_each_receiver_of_its_organization_once() {
    let house = House::new().await;
    let receiver = TestReceiver::start(&[]).await.unwrap();
    let [acme, beta] = [1, 2].map(|number| OrganizationId(Uuid::from_u128(number)));
    for (id, name) in [(acme, "acme"), (beta, "beta")] {
        let insert = format!(
            "INSERT INTO organizations (id, name, display_name) VALUES ('{id}', '{name}', '')"
        );
        house.sql(&insert).await;
    }
    let ada = house.account("ada").await;
    let everything = house.webhook("everything", &receiver.url()).await;
    for (name, place) in [("of-acme", acme), ("of-beta", beta)] {
        let webhook = house.webhook(name, &receiver.url()).await;
        let narrow =
            format!("UPDATE webhooks SET organization_id = '{place}' WHERE id = '{webhook}'");
        house.sql(&narrow).await;
    }
    let off = house.webhook("off", &receiver.url()).await;
    house
        .sql(&format!(
            "UPDATE webhooks SET enabled = false WHERE id = '{off}'"
        ))
        .await;
    house.sql(&alert(ada, acme)).await;
    let courier = house.courier(config());
    until("both messages", || async {
        let query = "SELECT count(*) FROM notification_deliveries WHERE delivered_at IS NOT NULL";
        house.number(query).await == 2
    })
    .await;
    courier.stop().await;
    let query = "SELECT count(*) FROM notification_deliveries";
    assert_eq!(house.number(query).await, 2);
    let received = receiver.received();
    assert_ne!(signed(&received[0]), signed(&received[1]));
    assert_eq!(received[0].body, received[1].body);
    let event: WebhookEvent = serde_json::from_slice(&received[0].body).unwrap();
    let WebhookEvent::BudgetThresholdReached { data, .. } = event else {
        panic!("{event:?}");
    };
    let expected = BudgetThreshold {
        alert_id: data.alert_id,
        limit_kind: "user".to_owned(),
        user_id: Some(ada.0),
        username: Some("ada".to_owned()),
        group_id: None,
        group_name: None,
        organization_id: Some(acme.0),
        organization_name: Some("acme".to_owned()),
        threshold_percent: 85,
        limit_micros: 1_000,
        spent_micros: 900,
        period_start: "2026-11-01T00:00:00Z".parse().unwrap(),
        period_end: "2026-12-01T00:00:00Z".parse().unwrap(),
    };
    assert_eq!(data, expected);
    assert_eq!(house.deliveries(everything).await.len(), 1);
}

fn alert(user: UserId, organization: OrganizationId) -> String {
    format!(
        "INSERT INTO ai_budget_alerts (limit_kind, limit_id, period_start, period_end, threshold, limit_micros, \
             spent_micros, organization_id, data) \
         VALUES ('user', '{user}', '2026-11-01 00:00Z', '2026-12-01 00:00Z', 85, 1000, 900, '{organization}', '{{}}')"
    )
}
