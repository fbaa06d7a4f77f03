//! The queue of a counter: who waits, for whom room is kept, and who is told.

use chrono::Duration;
use db::local::LocalRole;
use model::{
    Micros,
    admission::Patience,
    spend::{ReserveOutcome, ReserveRequest, SettleEffect},
};

use crate::{
    ledger::{check_spend, lease, release, request, reserve, settle, settlement, spend},
    support::{TestDb, World, begin},
};

#[tokio::test]
async fn who_does_not_fit_waits_and_is_woken() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    let first = request(world.user, lease, 0, 800);
    reserve(&store, &first).await;

    let second = request(world.user, lease, 0, 600);
    assert!(matches!(
        reserve(&store, &second).await,
        ReserveOutcome::Wait(_)
    ));
    let third = request(world.user, lease, 0, 700);
    assert!(matches!(
        reserve(&store, &third).await,
        ReserveOutcome::Wait(_)
    ));
    check_spend(&store, world.user, 0, 800).await;
    let impossible = request(world.user, lease, 990, 600);
    assert!(matches!(
        reserve(&store, &impossible).await,
        ReserveOutcome::Refused(_)
    ));
    let late = ReserveRequest {
        patience: Patience::Expired,
        ..request(world.user, lease, 199, 600)
    };
    assert!(matches!(
        reserve(&store, &late).await,
        ReserveOutcome::RetryLater(_)
    ));
    let outcome = settle(&store, &settlement(first.id, 100, Some(100))).await;
    assert!(outcome.wake);

    // The head is admitted; the other, who is no head, still counts as somebody who waits.
    assert!(matches!(
        reserve(&store, &second).await,
        ReserveOutcome::Admitted { .. }
    ));
    let outcome = settle(&store, &settlement(second.id, 100, Some(100))).await;
    assert!(outcome.wake);
    assert!(matches!(
        reserve(&store, &third).await,
        ReserveOutcome::Admitted { .. }
    ));
    assert!(matches!(
        release(&store, third.id).await.effect,
        SettleEffect::Released
    ));
    check_spend(&store, world.user, 200, 0).await;
}

#[tokio::test]
async fn room_is_kept_for_a_head_that_has_waited_for_a_second() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    reserve(&store, &request(world.user, lease, 0, 500)).await;
    let mut head = request(world.user, lease, 0, 600);
    let now = spend(&store, world.user).await.now;
    head.waiting_since = Some(now - Duration::seconds(5));
    assert!(matches!(
        reserve(&store, &head).await,
        ReserveOutcome::Wait(_)
    ));
    let small = request(world.user, lease, 0, 100);
    assert!(matches!(
        reserve(&store, &small).await,
        ReserveOutcome::Wait(_)
    ));
    let small = ReserveRequest {
        patience: Patience::Expired,
        ..small
    };
    assert!(matches!(
        reserve(&store, &small).await,
        ReserveOutcome::RetryLater(_)
    ));

    let mut listener = db::listen(db.url(LocalRole::App).await);
    assert_eq!(listener.next().await, db::Hint::Connected);
    let mut unit = begin(&store).await;
    unit.reservation_wait_end(world.user, head.id)
        .await
        .unwrap();
    unit.reservation_wait_end(world.user, head.id)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert_eq!(listener.next().await, db::Hint::Spend(world.user));
    assert!(matches!(
        reserve(&store, &small).await,
        ReserveOutcome::Admitted { .. }
    ));
}

#[tokio::test]
async fn whoever_has_waited_longest_becomes_the_head() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    let running = request(world.user, lease, 0, 900);
    reserve(&store, &running).await;
    let now = spend(&store, world.user).await.now;
    let waiting = |seconds| ReserveRequest {
        waiting_since: Some(now - Duration::seconds(seconds)),
        ..request(world.user, lease, 0, 600)
    };
    // The younger one happens to ask first, and room would be kept for it.
    let (older, younger) = (waiting(5), waiting(3));
    for waiter in [&younger, &older] {
        assert!(matches!(
            reserve(&store, waiter).await,
            ReserveOutcome::Wait(_)
        ));
    }
    settle(&store, &settlement(running.id, 0, Some(0))).await;
    assert!(matches!(
        reserve(&store, &younger).await,
        ReserveOutcome::Wait(_)
    ));
    assert!(matches!(
        reserve(&store, &older).await,
        ReserveOutcome::Admitted { .. }
    ));
}
