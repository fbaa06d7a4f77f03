//! The spend ledger under concurrency: limits hold, and everything happens exactly once.

use std::sync::Arc;

use chrono::Duration;
use db::Database;
use futures_util::future::join_all;
use model::{
    LeaseId, Micros,
    spend::{LimitKey, ReserveOutcome, SettleEffect},
};
use tokio::sync::Barrier;

use crate::{
    ledger::{
        admit, check_spend, held, lease, release, request, reserve, settle, settlement, spend,
        sweep,
    },
    ledger_caps::Capped,
    support::{TestDb, World, begin, id},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_requests_on_two_servers_never_pass_the_limit() {
    let db = TestDb::new().await;
    let servers = [db.store().await, db.store().await];
    let world = World::new(&servers[0], Some(Micros(1_000))).await;
    let lease = lease(&servers[0]).await;
    let start = Arc::new(Barrier::new(50));
    let tasks = (0..50).map(|number| {
        let (store, start) = (servers[number % 2].clone(), Arc::clone(&start));
        tokio::spawn(async move {
            let asked = request(world.user, lease, 0, 100);
            start.wait().await;
            reserve(&store, &asked).await
        })
    });
    let outcomes = join_all(tasks).await;
    let mut admitted = Vec::new();
    for outcome in outcomes {
        match outcome.unwrap() {
            ref made @ ReserveOutcome::Admitted { ref state, .. } => {
                assert!(state.reserved <= Micros(900), "{state:?}");
                admitted.extend(held(made));
            }
            ReserveOutcome::Wait { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(admitted.len(), 10);
    check_spend(&servers[1], world.user, 0, 1_000).await;

    let settlements = admitted.iter().enumerate().map(|(number, held)| {
        let store = servers[number % 2].clone();
        let settlement = settlement(*held, 100, Some(100));
        tokio::spawn(async move { settle(&store, &settlement).await.effect })
    });
    for effect in join_all(settlements).await {
        assert_eq!(effect.unwrap(), SettleEffect::Settled);
    }
    check_spend(&servers[0], world.user, 1_000, 0).await;
    let late = request(world.user, lease, 0, 100);
    assert!(matches!(
        reserve(&servers[0], &late).await,
        ReserveOutcome::Refused(_)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_on_two_servers_never_pass_a_subscriptions_cap() {
    let it = Capped::new().await;
    let servers = [it.store.clone(), it.db.store().await];
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(it.person(0).await);
    }
    // What is included for each, and beyond that half of what they want.
    it.caps(it.scope(), [None, Some(500)], 100).await;
    let start = Arc::new(Barrier::new(40));
    let tasks = (0..40).map(|number| {
        let (store, start) = (servers[number % 2].clone(), Arc::clone(&start));
        let asked = request(people[number % 4], it.lease, 0, 30);
        tokio::spawn(async move {
            start.wait().await;
            held(&reserve(&store, &asked).await)
        })
    });
    let outcomes = join_all(tasks).await;
    let admitted: Vec<_> = outcomes.into_iter().filter_map(Result::unwrap).collect();
    let (spent, reserved) = it.all(it.scope()).await;
    assert!(spent == 0 && (471..=500).contains(&reserved), "{reserved}");
    let closings = admitted.iter().enumerate().map(|(number, held)| {
        let store = servers[number % 2].clone();
        let settlement = settlement(*held, 30, Some(30));
        tokio::spawn(async move { settle(&store, &settlement).await.effect })
    });
    for effect in join_all(closings).await {
        assert_eq!(effect.unwrap(), SettleEffect::Settled);
    }
    assert_eq!(it.all(it.scope()).await, (reserved, 0));
}

/// What several closings of one reservation, begun at once, came to.
async fn race(
    servers: &[Database; 2],
    closings: usize,
    what: impl AsyncFn(&Database, usize) -> SettleEffect,
) -> Vec<SettleEffect> {
    let both = (0..closings).map(|number| what(&servers[number % 2], number));
    join_all(both).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reservation_that_is_settled_twice_at_once_is_settled_once() {
    let db = TestDb::new().await;
    let servers = [db.store().await, db.store().await];
    let world = World::new(&servers[0], Some(Micros(1_000_000))).await;
    let lease = lease(&servers[0]).await;
    for round in 1..=10 {
        let asked = admit(&servers[0], &request(world.user, lease, 0, 100)).await;
        let effects = race(&servers, 4, async |store, number| {
            if number == 3 {
                release(store, asked).await.effect
            } else {
                settle(store, &settlement(asked, 60, Some(60))).await.effect
            }
        })
        .await;
        let first = |effect: &&SettleEffect| {
            matches!(effect, SettleEffect::Settled | SettleEffect::Released)
        };
        assert_eq!(
            effects.iter().filter(first).count(),
            1,
            "round {round}: {effects:?}"
        );
        assert_eq!(spend(&servers[0], world.user).await.reserved, Micros::ZERO);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_that_races_a_sweep_is_charged_once_at_its_true_cost() {
    let db = TestDb::new().await;
    let servers = [db.store().await, db.store().await];
    let world = World::new(&servers[0], Some(Micros(1_000_000))).await;
    for round in 1..=20 {
        let asked = admit(&servers[0], &request(world.user, LeaseId(id()), 0, 100)).await;
        let settlement = settlement(asked, 60, Some(60));
        let (swept, outcome) = tokio::join!(sweep(&servers[0]), settle(&servers[1], &settlement));
        match outcome.effect {
            SettleEffect::Settled => assert_eq!(swept, []),
            SettleEffect::Corrected => assert_eq!(swept, [LimitKey::user(world.user)]),
            other => panic!("round {round}: {other:?}"),
        }
        check_spend(&servers[0], world.user, 60 * round, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_corrections_at_once_are_one() {
    let db = TestDb::new().await;
    let servers = [db.store().await, db.store().await];
    let world = World::new(&servers[0], Some(Micros(1_000_000))).await;
    let asked = admit(&servers[0], &request(world.user, LeaseId(id()), 0, 100)).await;
    sweep(&servers[0]).await;
    let effects = race(&servers, 6, async |store, _| {
        settle(store, &settlement(asked, 60, Some(60))).await.effect
    })
    .await;
    let corrected = effects
        .iter()
        .filter(|effect| **effect == SettleEffect::Corrected)
        .count();
    assert_eq!(corrected, 1, "{effects:?}");
    check_spend(&servers[0], world.user, 60, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_one_server_sweeps_at_a_time() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    reserve(&store, &request(world.user, LeaseId(id()), 0, 100)).await;
    let mut first = begin(&store).await;
    assert_eq!(
        first.reservation_sweep(10).await.unwrap(),
        [LimitKey::user(world.user)]
    );
    let mut second = begin(&store).await;
    assert_eq!(second.reservation_sweep(10).await.unwrap(), []);
    drop(first); // Dropped, so it never happened.
    drop(second);
    // The rollback runs in the background.
    while sweep(&store).await != [LimitKey::user(world.user)] {
        tokio::task::yield_now().await;
    }
    check_spend(&store, world.user, 100, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_time_reservations_at_once_share_one_counter() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(250))).await;
    let lease = LeaseId(id());
    let mut unit = begin(&store).await;
    unit.lease_renew(lease, Duration::minutes(1)).await.unwrap();
    unit.commit().await.unwrap();
    let asked: Vec<_> = (0..8).map(|_| request(world.user, lease, 0, 100)).collect();
    let outcomes = join_all(asked.iter().map(|asked| reserve(&store, asked))).await;
    let admitted = outcomes
        .iter()
        .filter(|one| matches!(one, ReserveOutcome::Admitted { .. }))
        .count();
    assert_eq!(admitted, 2, "{outcomes:?}");
    check_spend(&store, world.user, 0, 200).await;
}
