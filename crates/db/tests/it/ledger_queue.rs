//! The queue of a counter: who waits, for whom room is kept, and who is told.

use chrono::Duration;
use db::local::LocalRole;
use model::{
    Micros,
    admission::Patience,
    spend::{LedgerOp, LimitKey, ReserveOutcome, ReserveRequest, SettleEffect, WaitEnd},
};

use crate::{
    ledger::{
        admit, batch, check_spend, close, lease, release, request, reserve, settle, settlement,
        spend,
    },
    support::{TestDb, World, begin},
};

#[tokio::test]
async fn who_does_not_fit_waits_and_is_woken() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    let first = admit(&store, &request(world.user, lease, 0, 800)).await;
    let key = LimitKey::user(world.user);

    let second = request(world.user, lease, 0, 600);
    assert!(matches!(
        reserve(&store, &second).await,
        ReserveOutcome::Wait { .. }
    ));
    let third = request(world.user, lease, 0, 700);
    assert!(matches!(
        reserve(&store, &third).await,
        ReserveOutcome::Wait { .. }
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
    let settled = LedgerOp::Settle(Box::new(settlement(first, 100, Some(100))));
    assert_eq!(close(&store, settled).await.1, [key]);

    // The head is admitted; the other, who is no head, still counts as somebody who waits.
    let second = admit(&store, &second).await;
    let settled = LedgerOp::Settle(Box::new(settlement(second, 100, Some(100))));
    assert_eq!(close(&store, settled).await.1, [key]);
    let third = admit(&store, &third).await;
    assert!(matches!(
        release(&store, third).await.effect,
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
        ReserveOutcome::Wait { .. }
    ));
    let small = request(world.user, lease, 0, 100);
    assert!(matches!(
        reserve(&store, &small).await,
        ReserveOutcome::Wait { .. }
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
    let limits = vec![LimitKey::user(world.user)];
    let end = LedgerOp::WaitEnd(WaitEnd {
        user_id: world.user,
        waiter: head.waiter,
        limits: limits.clone(),
    });
    let batch = batch(&store, &[end.clone(), end]).await;
    assert_eq!(batch.wake, limits);
    let mut unit = begin(&store).await;
    unit.spend_notify(&batch.wake).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(listener.next().await, db::Hint::Spend(limits[0]));
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
    let running = admit(&store, &request(world.user, lease, 0, 900)).await;
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
            ReserveOutcome::Wait { .. }
        ));
    }
    settle(&store, &settlement(running, 0, Some(0))).await;
    assert!(matches!(
        reserve(&store, &younger).await,
        ReserveOutcome::Wait { .. }
    ));
    assert!(matches!(
        reserve(&store, &older).await,
        ReserveOutcome::Admitted { .. }
    ));
}
