//! Holding more for what is under way: all limits or none, exactly once.

use db::{Database, local::LocalRole};
use futures_util::future::join_all;
use model::{
    Micros, ReservationId, UserId,
    spend::{
        Account, Extend, ExtendOutcome, LedgerAnswer, LedgerOp, LimitKind, Release, SettleEffect,
        SpendState,
    },
};

use crate::{
    ledger::{
        Held, admit, batch, check_spend, close, lease, release, request, reserve, settle,
        settlement, spend, sweep,
    },
    ledger_pools::Pooled,
    support::{TestDb, World, begin, id},
};

fn more(held: Held, hold: i64) -> LedgerOp {
    LedgerOp::Extend(Extend {
        id: held.id,
        account: held.account,
        hold: Micros(hold),
    })
}

async fn extend(store: &Database, held: Held, hold: i64) -> ExtendOutcome {
    match batch(store, &[more(held, hold)]).await.answers.remove(0) {
        LedgerAnswer::Extended(outcome) => *outcome,
        other => panic!("{other:?}"),
    }
}

const fn holds(hold: i64) -> ExtendOutcome {
    ExtendOutcome::Extended { hold: Micros(hold) }
}

fn refused(outcome: ExtendOutcome) -> SpendState {
    match outcome {
        ExtendOutcome::Refused(state) => state,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn more_is_held_once_however_often_it_is_asked_for() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    let asked = admit(&store, &request(world.user, lease, 0, 300)).await;
    for (hold, held) in [
        (500, 500),
        (500, 500),
        (400, 500),
        (0, 500),
        (-7, 500),
        (900, 900),
    ] {
        assert_eq!(extend(&store, asked, hold).await, holds(held), "{hold}");
        check_spend(&store, world.user, 0, held).await;
    }
    // Also in one batch, and after what was closed in it.
    let other = admit(&store, &request(world.user, lease, 0, 50)).await;
    let ops = [
        more(asked, 940),
        more(asked, 940),
        more(other, 60),
        close_op(other),
    ];
    let answers = batch(&store, &ops).await.answers;
    let extended = answers.iter().filter_map(|answer| match answer {
        LedgerAnswer::Extended(outcome) => Some((**outcome).clone()),
        _ => None,
    });
    let extended: Vec<ExtendOutcome> = extended.collect();
    assert_eq!(extended, [holds(940), holds(940), ExtendOutcome::Unknown]);
    check_spend(&store, world.user, 0, 940).await;
    let outcome = settle(&store, &settlement(asked, 1, Some(950))).await;
    assert_eq!(
        outcome.over_hold,
        Micros(10),
        "the hold is what was extended to"
    );
    check_spend(&store, world.user, 950, 0).await;
}

fn close_op(held: Held) -> LedgerOp {
    LedgerOp::Release(Release {
        id: held.id,
        account: held.account,
    })
}

#[tokio::test]
async fn what_is_closed_or_was_never_made_cannot_be_extended() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    let released = admit(&store, &request(world.user, lease, 0, 10)).await;
    assert_eq!(
        release(&store, released).await.effect,
        SettleEffect::Released
    );
    let settled = admit(&store, &request(world.user, lease, 0, 10)).await;
    settle(&store, &settlement(settled, 1, Some(5))).await;
    let never = Held {
        id: ReservationId(model::IdSource::next(&model::UuidV7Source)),
        ..settled
    };
    for held in [released, settled, never] {
        assert_eq!(extend(&store, held, 20).await, ExtendOutcome::Unknown);
    }
    check_spend(&store, world.user, 5, 0).await;

    // Somebody else's is an error, and nothing of its batch is done.
    let open = admit(&store, &request(world.user, lease, 0, 10)).await;
    let account = Account {
        user_id: UserId(id()),
        ..open.account
    };
    let stolen = more(Held { account, ..open }, 20);
    let mut unit = begin(&store).await;
    let wait = model::spend::LockWait::Long;
    unit.ledger_batch(&[stolen], wait).await.unwrap_err();
    drop(unit);
    check_spend(&store, world.user, 5, 10).await;
}

#[tokio::test]
async fn a_full_limit_refuses_more_and_a_busy_one_says_to_come_back() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    let asked = admit(&store, &request(world.user, lease, 0, 300)).await;
    let other = admit(&store, &request(world.user, lease, 0, 600)).await;
    let ExtendOutcome::RetryLater(state) = extend(&store, asked, 401).await else {
        panic!("it does not fit beside the other")
    };
    assert_eq!(
        (state.blocked_by, state.reserved),
        (Some(LimitKind::User), Micros(900))
    );
    settle(&store, &settlement(other, 1, Some(600))).await;
    // In all it would come to more than the limit: what it holds already cannot be counted twice.
    let state = refused(extend(&store, asked, 701).await);
    assert_eq!(
        (state.blocked_by, state.spent, state.reserved),
        (Some(LimitKind::User), Micros(600), Micros(300))
    );
    check_spend(&store, world.user, 600, 300).await;
    assert_eq!(extend(&store, asked, 400).await, holds(400));
    check_spend(&store, world.user, 600, 400).await;
}

#[tokio::test]
async fn a_full_pool_refuses_more_although_the_person_has_room() {
    let it = Pooled::new(1_000, 1_000).await;
    let (store, [ann, bob]) = (&it.store, it.people);
    let lease = lease(store).await;
    let asked = admit(store, &request(ann, lease, 0, 300)).await;
    let other = admit(store, &request(bob, lease, 0, 500)).await;
    settle(store, &settlement(other, 1, Some(500))).await;
    let state = refused(extend(store, asked, 900).await);
    assert_eq!(state.blocked_by, Some(LimitKind::Pool));
    assert_eq!(it.pool().await, (500, 300));
    assert_eq!(extend(store, asked, 500).await, holds(500));
    assert_eq!(it.pool().await, (500, 500));
    assert_eq!(spend(store, ann).await.reserved, Micros(500));
    // Who waits at the pool is told when it is free again.
    reserve(store, &request(bob, lease, 0, 400)).await;
    let (_, wake) = close(store, close_op(asked)).await;
    assert_eq!(wake, [it.key()]);
}

#[tokio::test]
async fn more_is_held_in_the_period_of_the_reservation() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    let before = admit(&store, &request(world.user, lease, 0, 300)).await;
    let owner = db.client(LocalRole::Owner).await;
    db.shift_time("40 days").await;
    check_spend(&store, world.user, 0, 0).await;
    assert_eq!(extend(&store, before, 900).await, holds(900));
    let state = refused(extend(&store, before, 1_001).await);
    assert!(state.period.end <= state.now, "{state:?}");
    // The present period is another one.
    check_spend(&store, world.user, 0, 0).await;
    let held = "SELECT sum(reserved_micros)::bigint FROM spend_counters";
    let held: i64 = owner.query_one(held, &[]).await.unwrap().get(0);
    assert_eq!(held, 900);
    // Its server has gone, so it is charged with all that it held.
    sweep(&store).await;
    let spent = "SELECT sum(spent_micros)::bigint FROM spend_counters";
    let spent: i64 = owner.query_one(spent, &[]).await.unwrap().get(0);
    assert_eq!(spent, 900);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_ask_for_more_at_once_never_pass_the_limit() {
    let db = TestDb::new().await;
    let servers = [db.store().await, db.store().await];
    let world = World::new(&servers[0], Some(Micros(1_000))).await;
    let lease = lease(&servers[0]).await;
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(admit(&servers[0], &request(world.user, lease, 0, 20)).await);
    }
    let asks = open.iter().enumerate().map(|(number, held)| {
        let (store, held) = (servers[number % 2].clone(), *held);
        tokio::spawn(async move { extend(&store, held, 100).await })
    });
    let outcomes = join_all(asks).await;
    let granted = outcomes
        .into_iter()
        .filter(|outcome| outcome.as_ref().unwrap() == &holds(100));
    // 400 are held, and each takes 80 more.
    assert_eq!(granted.count(), 7);
    check_spend(&servers[1], world.user, 0, 960).await;
}
