//! The task that keeps the mirror fresh.

use std::sync::Arc;

use caps::keep;
use fakeportal::Way;
use tokio::sync::Notify;

use crate::rig::{REFRESH, Rig, cap};

async fn until(found: impl Fn() -> bool) {
    while !found() {
        tokio::task::yield_now().await;
    }
}

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
