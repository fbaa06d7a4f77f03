//! When the portal is left alone, by the clock and by how often it was asked.

use std::num::NonZeroU32;

use fakeportal::Way;
use portal::{Portal, PortalError};

use crate::rig::{Operation, Rig};

/// A rig whose client leaves the portal alone after this many failures, for 30 seconds, and tries nothing again.
async fn rig(failures: u32) -> Rig {
    Rig::with(|config| {
        config.breaker.failures = NonZeroU32::new(failures).unwrap();
        config.retry.attempts = NonZeroU32::MIN;
    })
    .await
}

fn failing() -> Way {
    Way::Status(503, "x-more", "1".to_owned())
}

impl Rig {
    /// Runs an operation, which must not reach the portal.
    async fn check_left_alone(&self, operation: Operation) {
        let before = self.fake.count();
        let error = self.run(operation).await.unwrap_err();
        assert!(
            matches!(error, PortalError::BreakerOpen { .. }),
            "{error:?}"
        );
        assert_eq!(error.code(), "PORTAL_BREAKER_OPEN");
        assert_eq!(self.fake.count(), before, "{operation:?}");
    }
}

#[tokio::test]
async fn a_failing_portal_is_left_alone_until_it_is_back() {
    let rig = rig(3).await;
    rig.fake.always(failing());
    for operation in [Operation::Caps, Operation::Flat, Operation::Statuses] {
        let error = rig.run(operation).await.unwrap_err();
        assert_eq!(error.code(), "PORTAL_REFUSED");
    }
    for operation in Operation::all() {
        rig.check_left_alone(operation).await;
    }
    rig.hands.advance(29);
    rig.check_left_alone(Operation::Caps).await;
    // One finds out that nothing is better.
    rig.hands.advance(1);
    assert_eq!(rig.read().await.unwrap_err().code(), "PORTAL_REFUSED");
    assert_eq!(rig.fake.count(), 4);
    rig.check_left_alone(Operation::Flat).await;
    rig.hands.advance(29);
    rig.check_left_alone(Operation::Caps).await;
    // One finds out that it is back.
    rig.hands.advance(1);
    rig.fake.always(Way::Well);
    for _ in 0..3 {
        rig.read().await.unwrap();
    }
    assert_eq!(rig.fake.count(), 7);
}

#[tokio::test]
async fn it_says_until_when() {
    let rig = rig(1).await;
    rig.hands.advance(100);
    rig.fake.always(failing());
    rig.read().await.unwrap_err();
    rig.hands.advance(7);
    let PortalError::BreakerOpen { until } = rig.read().await.unwrap_err() else {
        panic!("it is not open");
    };
    assert_eq!(until.timestamp(), 130);
}

#[tokio::test]
async fn one_alone_finds_out() {
    let rig = rig(1).await;
    rig.fake.next([failing()]);
    rig.read().await.unwrap_err();
    rig.hands.advance(30);
    let told = std::sync::Arc::new(tokio::sync::Notify::new());
    rig.fake.next([Way::Late(std::sync::Arc::clone(&told))]);
    let others = async {
        rig.fake.wait_for(2).await;
        for operation in Operation::all() {
            rig.check_left_alone(operation).await;
        }
        told.notify_one();
    };
    let (first, ()) = tokio::join!(rig.read(), others);
    first.unwrap();
    rig.read().await.unwrap();
    assert_eq!(rig.fake.count(), 3);
}

#[tokio::test]
async fn who_gives_up_finds_nothing_out() {
    let rig = rig(1).await;
    rig.fake.next([failing()]);
    rig.read().await.unwrap_err();
    rig.hands.advance(30);
    rig.fake.next([Way::Never]);
    tokio::select! {
        _ = rig.read() => panic!("it was answered"),
        () = rig.fake.wait_for(2) => {}
    }
    rig.read().await.unwrap();
    assert_eq!(rig.fake.count(), 3);
}

#[tokio::test]
async fn what_counts_is_that_the_portal_fails_and_not_that_it_says_no() {
    let status = |status| Way::Status(status, "x-more", "1".to_owned());
    let body = |body: &str| Way::Body(body.to_owned());
    let check = async |way: Way, counts: bool| {
        let rig = rig(2).await;
        rig.fake.always(way.clone());
        for _ in 0..2 {
            rig.run(Operation::Flat).await.unwrap_err();
        }
        let error = rig.run(Operation::Flat).await.unwrap_err();
        let open = matches!(error, PortalError::BreakerOpen { .. });
        assert_eq!(open, counts, "{way:?} {error:?}");
        assert_eq!(rig.fake.count(), if counts { 2 } else { 3 }, "{way:?}");
    };
    for bad in [500, 502, 503, 504, 429, 408] {
        check(status(bad), true).await;
    }
    check(Way::Cut, true).await;
    check(Way::Endless, true).await;
    check(body("<html>"), true).await;
    for bad in [301, 400, 401, 403, 404, 422] {
        check(status(bad), false).await;
    }
    check(body("{}"), false).await;
    check(body(r#"{"errors":["no"]}"#), false).await;
    check(body(r#"{"data":{"errors":"no"}}"#), false).await;
    check(
        body(r#"{"data":{"upsertBudgetCapSubscription":null}}"#),
        false,
    )
    .await;
    let rejected = r#"{"data":{"upsertBudgetCapSubscription":{"errors":["no"]}}}"#;
    check(body(rejected), false).await;
}

#[tokio::test]
async fn good_answers_between_failures_keep_it_closed() {
    let rig = rig(2).await;
    for _ in 0..5 {
        rig.fake.next([failing(), Way::Well]);
        rig.read().await.unwrap_err();
        rig.read().await.unwrap();
    }
    assert_eq!(rig.fake.count(), 10);
}

#[tokio::test]
async fn attempts_count_and_the_first_cause_is_told() {
    let rig = Rig::with(|config| {
        config.breaker.failures = NonZeroU32::new(2).unwrap();
        config.retry.attempts = NonZeroU32::new(5).unwrap();
    });
    let rig = rig.await;
    rig.fake.always(failing());
    // The breaker opens while it is tried again; what opened it is told.
    assert_eq!(rig.read().await.unwrap_err().code(), "PORTAL_REFUSED");
    assert_eq!(rig.fake.count(), 2);
    rig.check_left_alone(Operation::Caps).await;
}

#[tokio::test]
async fn clients_do_not_share_what_they_found_out() {
    let first = rig(1).await;
    first.fake.always(failing());
    first.read().await.unwrap_err();
    first.check_left_alone(Operation::Caps).await;
    let config = crate::rig::config(&first.fake.url());
    let second = Portal::new(config, std::sync::Arc::new(model::SystemClock)).unwrap();
    first.fake.always(Way::Well);
    second.budget_caps(&crate::rig::namespace()).await.unwrap();
}
