//! Whose alerts must be looked at: noted once, with the counters, and never missed.

use db::local::LocalRole;
use model::{Micros, UserId, spend::LedgerOp};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{
    ledger::{admit, batch, lease, request, settle, settlement, sweep},
    ledger_pools::Pooled,
    ledger_report::report,
    support::{TestDb, World},
};

/// What is noted, in order.
async fn noted(client: &Client) -> Vec<(String, Uuid)> {
    let noted = "SELECT subject_kind, subject_id FROM ai_alert_checks WHERE due_at = '-infinity' ORDER BY 1, 2";
    let rows = client.query(noted, &[]).await.unwrap();
    let of = |row: &tokio_postgres::Row| (row.get(0), row.get(1));
    rows.iter().map(of).collect()
}

fn user(id: UserId) -> (String, Uuid) {
    ("user".to_owned(), id.0)
}

/// What changes of limits note is due at an instant of its own.
const REMOVE: &str = "DELETE FROM ai_alert_checks WHERE due_at = '-infinity'";
const LOOK: &str = "SELECT spent_micros FROM spend_counters WHERE limit_kind = 'user' FOR UPDATE";

async fn told_at(client: &Client, at: i64) {
    let told = "UPDATE spend_counters SET alert_at_micros = $1";
    client.execute(told, &[&at]).await.unwrap();
}

/// Waits until the ledger waits for a lock.
async fn until_somebody_waits(client: &Client) {
    let waiting = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waits = async || -> i64 { client.query_one(waiting, &[]).await.unwrap().get(0) };
    let began = std::time::Instant::now();
    while waits().await == 0 {
        assert!(began.elapsed().as_secs() < 20, "nobody waits");
    }
}

#[tokio::test]
async fn a_limit_is_noted_once_however_many_settle() {
    let it = Pooled::new(100_000, 100_000).await;
    let (store, [ann, bob]) = (&it.store, it.people);
    let app = it.db.client(LocalRole::App).await;
    let lease = lease(store).await;
    app.batch_execute(REMOVE).await.unwrap();
    // Holding is no spending.
    let mut open = Vec::new();
    for user in [ann, ann, ann, bob, bob] {
        open.push(admit(store, &request(user, lease, 0, 100)).await);
    }
    assert_eq!(noted(&app).await, []);
    // What costs nothing is none either.
    let free = admit(store, &request(ann, lease, 0, 100)).await;
    settle(store, &settlement(free, 0, Some(0))).await;
    assert_eq!(noted(&app).await, []);

    let mut expected = vec![("pool".to_owned(), it.group().0), user(ann), user(bob)];
    expected.sort_unstable();
    let cost = |number: usize| LedgerOp::Settle(Box::new(settlement(open[number], 1, Some(10))));
    batch(store, &[cost(0), cost(1), cost(3), report(ann, Some(5))]).await;
    assert_eq!(noted(&app).await, expected);
    batch(store, &[cost(2)]).await;
    assert_eq!(noted(&app).await, expected);

    // Somebody has looked: from 200 on there is something to be told.
    app.batch_execute(REMOVE).await.unwrap();
    told_at(&app, 200).await;
    batch(store, &[cost(4), report(ann, Some(150))]).await;
    assert_eq!(noted(&app).await, [("pool".to_owned(), it.group().0)]);
    batch(store, &[report(ann, Some(14))]).await;
    assert_eq!(noted(&app).await, [("pool".to_owned(), it.group().0)]);
    batch(store, &[report(ann, Some(1))]).await;
    assert_eq!(noted(&app).await, expected[..2].to_vec());
    let spent = "SELECT spent_micros FROM spend_counters WHERE limit_id = $1";
    let spent: i64 = app.query_one(spent, &[&ann.0]).await.unwrap().get(0);
    assert_eq!(spent, 200, "at the very amount");
}

#[tokio::test]
async fn what_a_sweep_charges_is_noted_and_so_is_a_new_period_and_a_recount() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(100_000))).await;
    let app = db.client(LocalRole::App).await;
    admit(&store, &request(world.user, lease(&store).await, 0, 100)).await;
    app.batch_execute(REMOVE).await.unwrap();
    told_at(&app, 100).await;
    db.shift_time("2 minutes").await;
    sweep(&store).await;
    assert_eq!(noted(&app).await, [user(world.user)]);

    app.batch_execute(REMOVE).await.unwrap();
    told_at(&app, 1_000).await;
    batch(&store, &[report(world.user, Some(1))]).await;
    assert_eq!(noted(&app).await, []);
    // Counted anew, nobody knows from when on.
    let owner = db.client(LocalRole::Owner).await;
    owner
        .batch_execute(
            "SET bursar.actor_name = 'test'; UPDATE ai_budget_settings SET period = 'quarter'",
        )
        .await
        .unwrap();
    app.batch_execute(REMOVE).await.unwrap();
    batch(&store, &[report(world.user, Some(1))]).await;
    assert_eq!(noted(&app).await, [user(world.user)]);

    app.batch_execute(REMOVE).await.unwrap();
    told_at(&app, 1_000).await;
    db.shift_time("100 days").await;
    batch(&store, &[report(world.user, Some(1))]).await;
    assert_eq!(noted(&app).await, [user(world.user)]);
}

/// The one that looks has removed the note and not locked the counter yet.
#[tokio::test]
async fn what_is_settled_before_the_counter_is_locked_is_seen() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(100_000))).await;
    let app = db.client(LocalRole::App).await;
    app.batch_execute(REMOVE).await.unwrap();
    batch(&store, &[report(world.user, Some(60))]).await;
    assert_eq!(noted(&app).await, [user(world.user)]);

    app.batch_execute("BEGIN").await.unwrap();
    assert_eq!(app.execute(REMOVE, &[]).await.unwrap(), 1);
    // The ledger waits for nobody who looks.
    batch(&store, &[report(world.user, Some(40))]).await;
    let seen: i64 = app.query_one(LOOK, &[]).await.unwrap().get(0);
    assert_eq!(seen, 100);
    told_at(&app, 200).await;
    app.batch_execute("COMMIT").await.unwrap();
    assert_eq!(noted(&app).await, [], "nothing is left to be looked at");
    batch(&store, &[report(world.user, Some(100))]).await;
    assert_eq!(noted(&app).await, [user(world.user)]);
}

/// The one that looks has locked the counter: whoever settles meanwhile decides by what it leaves behind.
#[tokio::test]
async fn what_is_settled_after_the_counter_was_locked_is_noted_anew() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(100_000))).await;
    let app = db.client(LocalRole::App).await;
    for (told_from, noted_anew) in [(80, true), (300, false)] {
        batch(&store, &[report(world.user, Some(30))]).await;
        app.batch_execute(REMOVE).await.unwrap();
        told_at(&app, 0).await;
        batch(&store, &[report(world.user, Some(30))]).await;
        app.batch_execute("BEGIN").await.unwrap();
        assert_eq!(app.execute(REMOVE, &[]).await.unwrap(), 1);
        app.query_one(LOOK, &[]).await.unwrap();
        let meanwhile = tokio::spawn({
            let (store, op) = (store.clone(), report(world.user, Some(40)));
            async move { batch(&store, &[op]).await }
        });
        until_somebody_waits(&app).await;
        told_at(&app, told_from).await;
        app.batch_execute("COMMIT").await.unwrap();
        meanwhile.await.unwrap();
        let expected: &[_] = if noted_anew { &[user(world.user)] } else { &[] };
        assert_eq!(noted(&app).await, expected);
    }
}

/// With several counters and as many who look, in either order, nobody waits in a circle and the last spend is
/// always either seen or noted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_whoever_comes_first() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(100_000))).await;
    batch(&store, &[report(world.user, Some(1))]).await;
    let looks = tokio::spawn({
        let app = db.client(LocalRole::App).await;
        async move {
            let mut seen = 0;
            for _ in 0..100 {
                app.batch_execute("BEGIN").await.unwrap();
                if app.execute(REMOVE, &[]).await.unwrap() > 0 {
                    seen = app.query_one(LOOK, &[]).await.unwrap().get(0);
                    told_at(&app, seen + 1).await;
                }
                app.batch_execute("COMMIT").await.unwrap();
            }
            seen
        }
    });
    let mut spent = 1;
    while !looks.is_finished() {
        batch(&store, &[report(world.user, Some(1))]).await;
        spent += 1;
    }
    let seen: i64 = looks.await.unwrap();
    let app = db.client(LocalRole::App).await;
    assert!(
        seen == spent || noted(&app).await == [user(world.user)],
        "{seen} of {spent} were seen, and nobody is to look again"
    );
}
