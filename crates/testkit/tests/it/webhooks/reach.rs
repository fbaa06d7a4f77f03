//! Webhooks stay outside the house unless an option lets them in, and out of the machine room whatever it says.

use model::{addresses::Reach, deliveries::DeliveryState};
use testkit::TestReceiver;

use super::{House, config};

#[tokio::test]
async fn messages_go_to_public_addresses_only_unless_an_option_says_more() {
    let receiver = TestReceiver::start(&[]).await.unwrap();
    let port = receiver.port();
    let house = House::new().await;
    let mut public = config();
    public.webhooks = Reach::Public;
    let courier = house.courier(public);
    for (number, host) in [
        "127.0.0.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "192.168.0.1",
        "[fd00::1]",
        // A name that leads to such an address is found out when it is resolved.
        "localhost",
    ]
    .into_iter()
    .enumerate()
    {
        let url = format!("http://{host}:{port}/in");
        let webhook = house.webhook(&format!("w{number}"), &url).await;
        let id = house.ping(webhook).await;
        let error = house.failed(webhook, id).await;
        let known = error.contains("not allowed");
        assert!(known, "{host}: {error}");
    }
    assert!(receiver.received().is_empty());
    courier.stop().await;
}

#[tokio::test]
async fn special_addresses_are_refused_whatever_the_options_say() {
    let house = House::new().await;
    let courier = house.courier(config());
    for (number, host) in [
        "169.254.169.254",
        "0xa9fea9fe",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "224.0.0.1",
    ]
    .into_iter()
    .enumerate()
    {
        let webhook = house
            .webhook(&format!("w{number}"), &format!("http://{host}/latest"))
            .await;
        let id = house.ping(webhook).await;
        let error = house.failed(webhook, id).await;
        assert!(error.contains("not allowed"), "{host}: {error}");
        // An option, or the receiver's address, may change: it is tried again.
        let state = house.delivery(webhook, id).await.state;
        assert!(!matches!(state, DeliveryState::Delivered { .. }));
    }
    courier.stop().await;
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_the_address_which_may_hold_a_secret() {
    let house = House::new().await;
    // Nobody listens there any more.
    let port = TestReceiver::start(&[]).await.unwrap().port();
    let url = format!("http://localhost:{port}/in?token=t0ken");
    let webhook = house.webhook("pager", &url).await;
    let id = house.ping(webhook).await;
    let mut config = config();
    config.retry.attempts = 2;
    let courier = house.courier(config);
    let delivery = house.ended(webhook, id).await;
    let error = delivery.last_error.unwrap();
    assert!(
        error.contains("refused") && !error.contains("t0ken"),
        "{error}"
    );
    courier.stop().await;
}
