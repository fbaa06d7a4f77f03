//! The task that keeps the mirror fresh.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use caps::{BudgetCaps, keep};
use chrono::TimeDelta;
use fakeportal::Way;
use tokio::sync::Notify;

use crate::rig::{ACME, Hands, REFRESH, Rig, cap, end, until};

#[tokio::test]
async fn what_is_due_is_read_and_a_failing_portal_is_asked_again() {
    let rig = Rig::new().await;
    rig.portal.next([Way::Reset]);
    let stopping = tokio_util::sync::CancellationToken::new();
    let keeping = keep(&rig.caps, stopping.clone());
    rig.portal.wait_for(1).await;
    assert_eq!(rig.flat(), None);
    rig.pass(REFRESH);
    until(|| rig.flat() == Some(cap(10, true))).await;
    assert_eq!(rig.portal.count(), 2);
    stopping.cancel();
    keeping.await.unwrap();
    rig.pass(REFRESH);
    assert_eq!(rig.portal.count(), 2);
}

#[tokio::test]
async fn four_are_read_at_once_and_the_others_follow() {
    let rig = Rig::new().await;
    rig.grow(5);
    let told = Arc::new(Notify::new());
    rig.portal.always(Way::Late(Arc::clone(&told)));
    let stopping = tokio_util::sync::CancellationToken::new();
    let keeping = keep(&rig.caps, stopping.clone());
    rig.portal.wait_for(4).await;
    let claims = |name: &&&str| **name == "cap_mirror_claim";
    let claimed = rig.store.calls().iter().filter(claims).count();
    assert_eq!((claimed, rig.portal.count()), (1, 4));
    // As soon as one has ended the next is read, without a look in between.
    told.notify_one();
    rig.portal.wait_for(5).await;
    assert_eq!(rig.portal.count(), 5);
    for _ in 0..5 {
        told.notify_one();
        tokio::task::yield_now().await;
    }
    rig.portal.behave();
    until(|| {
        told.notify_waiters();
        rig.store.state().caps.len() == 6
    })
    .await;
    stopping.cancel();
    keeping.await.unwrap();
    assert_eq!(rig.portal.count(), 6);
}

/// What the portal was not asked about is not put off as if it had been: it is due when it may be asked again, and all others
/// are read meanwhile.
#[tokio::test]
async fn what_is_left_alone_is_due_when_that_ends_and_keeps_nobody_else() {
    let hands = Arc::new(Hands::default());
    let rig = Rig::with_clock(Arc::<Hands>::clone(&hands), |config| {
        config.breaker.failures = NonZeroU32::MIN;
        config.breaker.open_for = Duration::from_secs(3);
    });
    let rig = rig.await;
    rig.portal.next([Way::status(503)]);
    assert_eq!(end(rig.caps.fresh(ACME).await), "PORTAL_REFUSED");
    let due_in = || rig.mirror().due_at - rig.store.state().now;
    assert_eq!(due_in(), TimeDelta::from_std(REFRESH).unwrap());
    hands.turn(1);
    rig.pass(Duration::from_secs(1));
    assert_eq!(end(rig.caps.fresh(ACME).await), "PORTAL_BREAKER_OPEN");
    assert_eq!(due_in(), TimeDelta::seconds(2));
    // Another is read in the meantime.
    rig.grow(1);
    let stopping = tokio_util::sync::CancellationToken::new();
    let keeping = keep(&rig.caps, stopping.clone());
    until(|| rig.store.state().caps.len() == 1).await;
    assert_eq!((rig.flat(), rig.portal.count()), (None, 2));
    // And this one as soon as it may be asked for, although it was read in vain less than the refresh ago.
    hands.turn(2);
    rig.pass(Duration::from_secs(2));
    until(|| rig.flat() == Some(cap(10, true))).await;
    stopping.cancel();
    keeping.await.unwrap();
    assert_eq!(rig.portal.count(), 3);
}
