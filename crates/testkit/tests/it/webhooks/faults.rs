//! What goes wrong in between: servers that die, receivers that hang, and what nobody fetches.

use std::time::Duration;

use model::deliveries::DeliveryState;
use testkit::{Behaviour, TestReceiver};

use super::{House, config, delivered, signed};
use crate::calls::until;

#[tokio::test]
async fn a_server_that_dies_between_sending_and_noting_leads_to_the_same_message_again() {
    let house = House::new().await;
    let receiver = TestReceiver::start(&[Behaviour::Hang]).await.unwrap();
    let webhook = house.webhook("pager", &receiver.url()).await;
    let id = house.ping(webhook).await;
    let mut short = config();
    short.claim_lease = Duration::from_secs(1);
    let dying = house.courier(short.clone());
    until("the first message", || async {
        receiver.received().len() == 1
    })
    .await;
    // The receiver has the whole message; nobody will note it.
    drop(dying);
    let next = house.courier(short);
    let delivery = house.ended(webhook, id).await;
    assert!(delivered(&delivery), "{delivery:?}");
    assert_eq!(delivery.attempts, 2);
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!((signed(&received[0]), signed(&received[1])), (id, id));
    // Not before the claim had lapsed: a server that is only slow keeps its own.
    let pause = received[1].at - received[0].at;
    assert!(pause >= Duration::from_millis(800), "{pause:?}");
    next.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_keeps_only_its_own_messages_waiting() {
    let house = House::new().await;
    let slow = TestReceiver::start(&[]).await.unwrap();
    slow.always(Behaviour::Hang);
    let fast = TestReceiver::start(&[]).await.unwrap();
    let stuck = house.webhook("stuck", &slow.url()).await;
    let pager = house.webhook("pager", &fast.url()).await;
    for _ in 0..40 {
        house.ping(stuck).await;
    }
    let courier = house.courier(config());
    until("the slow one", || async { !slow.received().is_empty() }).await;
    for _ in 0..10 {
        let id = house.ping(pager).await;
        let delivery = house.ended(pager, id).await;
        assert_eq!(delivery.attempts, 1);
    }
    // A few of its own are under way, no more; the connections that it holds are bounded.
    let held = slow.received().len();
    assert!((1..=4).contains(&held), "{held}");
    assert!(!house.deliveries(stuck).await.iter().any(delivered));
    courier.stop().await;
}

#[tokio::test]
async fn many_receivers_that_hang_leave_room_for_one_that_answers() {
    let house = House::new().await;
    let slow = TestReceiver::start(&[]).await.unwrap();
    slow.always(Behaviour::Hang);
    let fast = TestReceiver::start(&[]).await.unwrap();
    // Together they could take every place, and all of it is older.
    let mut stuck = Vec::new();
    for number in 0..20 {
        let webhook = house.webhook(&format!("stuck-{number}"), &slow.url()).await;
        for _ in 0..4 {
            house.ping(webhook).await;
        }
        stuck.push(webhook);
    }
    let pager = house.webhook("pager", &fast.url()).await;
    let id = house.ping(pager).await;
    let courier = house.courier(config());
    let delivery = house.ended(pager, id).await;
    assert!(delivered(&delivery), "{delivery:?}");
    // Before any of the others had its time.
    for webhook in stuck {
        let deliveries = house.deliveries(webhook).await;
        let waits = deliveries.iter().all(|one| one.last_error.is_none());
        assert!(waits, "{deliveries:?}");
    }
    courier.stop().await;
}

#[tokio::test]
async fn an_answer_that_never_comes_or_never_ends_is_not_waited_for() {
    let house = House::new().await;
    let receiver = TestReceiver::start(&[Behaviour::Hang, Behaviour::Huge])
        .await
        .unwrap();
    let webhook = house.webhook("pager", &receiver.url()).await;
    let id = house.ping(webhook).await;
    let mut hasty = config();
    hasty.webhook_timeout = Duration::from_millis(300);
    let courier = house.courier(hasty);
    let delivery = house.ended(webhook, id).await;
    assert!(delivered(&delivery), "{delivery:?}");
    let error = delivery.last_error.unwrap();
    assert_eq!(error, "the receiver did not answer in time");
    assert_eq!((delivery.attempts, receiver.received().len()), (2, 2));
    courier.stop().await;
}

#[tokio::test]
async fn what_nobody_fetches_ends_and_what_ended_long_ago_goes() {
    let house = House::new().await;
    let receiver = TestReceiver::start(&[]).await.unwrap();
    let webhook = house.webhook("pager", &receiver.url()).await;
    house.sql("UPDATE webhooks SET enabled = false").await;
    let id = house.ping(webhook).await;
    // It waits for as long as the receiver is off, but not for ever.
    house.database.shift_clock("2 days").await.unwrap();
    round(&house, &receiver).await;
    let state = house.delivery(webhook, id).await.state;
    assert!(matches!(state, DeliveryState::Pending { .. }));
    house.database.shift_clock("4 days").await.unwrap();
    round(&house, &receiver).await;
    let delivery = house.ended(webhook, id).await;
    assert!(matches!(delivery.state, DeliveryState::Failed { .. }));
    assert_eq!(delivery.last_error.unwrap(), "it waited for too long");
    assert_eq!(receiver.received().len(), 2);

    // Asked for anew it has its time again.
    house.sql("UPDATE webhooks SET enabled = true").await;
    let mut unit = house.begin().await;
    unit.webhook_redeliver(webhook, id).await.unwrap();
    unit.commit().await.unwrap();
    let courier = house.courier(config());
    assert!(delivered(&house.ended(webhook, id).await));
    courier.stop().await;
    house.database.shift_clock("40 days").await.unwrap();
    let courier = house.courier(config());
    until("the end of old deliveries", || async {
        house.deliveries(webhook).await.is_empty()
    })
    .await;
    courier.stop().await;
}

/// A courier begins its work, which is to tidy up first, and ends it after a message of its own.
async fn round(house: &House, receiver: &TestReceiver) {
    let name = format!("round-{}", receiver.received().len());
    let webhook = house.webhook(&name, &receiver.url()).await;
    let courier = house.courier(config());
    let id = house.ping(webhook).await;
    house.ended(webhook, id).await;
    courier.stop().await;
}
