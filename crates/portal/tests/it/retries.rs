//! What is tried again, shown by how often the portal was asked.

use std::{num::NonZeroU32, time::Duration};

use fakeportal::{Own, Way};
use portal::PortalError;

use crate::rig::{Operation, Rig};

fn status(status: u16) -> Way {
    Way::Status(status, "x-more", "1".to_owned())
}

#[tokio::test]
async fn what_may_pass_is_tried_again_if_it_is_a_read() {
    let passing = [
        status(500),
        status(502),
        status(503),
        status(504),
        status(429),
        status(408),
        Way::Cut,
        Way::Body("<html>be right back</html>".to_owned()),
        Way::Body(String::new()),
    ];
    let rig = Rig::new().await;
    rig.keeps(|kept| kept.recorded = true);
    let check = async |operation: Operation, ways: &[Way], good: bool, requests: usize| {
        let before = rig.fake.count();
        rig.fake.next(ways.iter().cloned());
        let answered = rig.run(operation).await;
        assert_eq!(
            answered.is_ok(),
            good,
            "{operation:?} {ways:?} {answered:?}"
        );
        let asked = rig.fake.count() - before;
        assert_eq!(asked, requests, "{operation:?} {ways:?}");
    };
    for way in passing {
        let ways = [way.clone(), way.clone(), way];
        for operation in Operation::READS {
            check(operation, &ways[..1], true, 2).await;
            check(operation, &ways[..2], true, 3).await;
            check(operation, &ways, false, 3).await;
        }
        for operation in Operation::WRITES {
            check(operation, &ways[..1], false, 1).await;
            check(operation, &[], true, 1).await;
        }
    }
}

#[tokio::test]
async fn every_page_has_its_attempts() {
    let rig = Rig::new().await;
    rig.fake.books().page = 1;
    rig.keeps(|kept| {
        kept.recorded = true;
        kept.overrides = ["1", "2", "3"].map(|id| Own::new(id, "1", true)).to_vec();
    });
    let bad = || status(503);
    rig.fake
        .next([bad(), Way::Well, bad(), bad(), Way::Well, bad()]);
    let caps = rig.read().await.unwrap();
    assert_eq!(caps.overrides.len(), 3);
    assert_eq!(rig.fake.count(), 7);
    // A page that does not come is the whole read's failure: half of the caps are none.
    rig.fake.next([Way::Well, bad(), bad(), bad()]);
    let error = rig.read().await.unwrap_err();
    assert!(
        matches!(error, PortalError::Refused { status: 503, .. }),
        "{error:?}"
    );
    assert_eq!(rig.fake.count(), 11);
}

#[tokio::test]
async fn the_policy_says_how_often() {
    for attempts in [1, 2, 5] {
        let rig = Rig::with(|config| {
            config.retry.attempts = NonZeroU32::new(attempts).unwrap();
        });
        let rig = rig.await;
        rig.fake.always(status(503));
        rig.read().await.unwrap_err();
        assert_eq!(rig.fake.count(), usize::try_from(attempts).unwrap());
    }
}

#[tokio::test]
async fn a_portal_that_wants_to_be_left_alone_is() {
    let rig = Rig::new().await;
    let check = async |retry_after: &str, attempts: usize, told: Option<u64>| {
        let before = rig.fake.count();
        rig.fake
            .always(Way::Status(429, "retry-after", retry_after.to_owned()));
        let error = rig.read().await.unwrap_err();
        assert_eq!(rig.fake.count(), before + attempts, "{retry_after}");
        let PortalError::Refused { retry_after, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(retry_after, told.map(Duration::from_secs));
    };
    check("0", 3, Some(0)).await;
    check("3600", 1, Some(3600)).await;
    check("18446744073709551615", 1, Some(u64::MAX)).await;
    check("soon", 3, None).await;
    check("-1", 3, None).await;
}
