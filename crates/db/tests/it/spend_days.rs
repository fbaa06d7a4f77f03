//! What was charged a day: one figure for each person, group and day, which outlives both and is never lost.

use db::{Database, local::LocalRole};
use futures_util::future::join_all;
use model::{Micros, UserId};

use crate::{
    ledger::{admit, lease, request, settle, settlement},
    support::{TestDb, World, begin, read},
};

/// The days of a person: date, and what was charged.
async fn days(db: &TestDb, user: UserId) -> Vec<(String, i64)> {
    let client = db.client(LocalRole::App).await;
    let select = "SELECT day::text, spend_micros FROM ai_user_daily_spend WHERE user_id = $1::text::uuid ORDER BY 1";
    let rows = client.query(select, &[&user.to_string()]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn text(db: &TestDb, select: &str) -> String {
    let client = db.client(LocalRole::App).await;
    client.query_one(select, &[]).await.unwrap().get(0)
}

async fn balances(store: &Database) {
    let found = read(store).await.ledger_verify().await.unwrap();
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn a_day_has_a_figure_where_something_was_charged() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let lease = lease(&store).await;
    let spend = async |cost: Option<i64>| {
        let held = admit(&store, &request(world.user, lease, 0, 2_000)).await;
        settle(&store, &settlement(held, 1, cost)).await;
    };
    let today = text(&db, "SELECT (bursar_now() AT TIME ZONE 'UTC')::date::text").await;
    spend(Some(0)).await;
    spend(None).await;
    assert_eq!(days(&db, world.user).await, []);
    spend(Some(1_552)).await;
    spend(Some(3)).await;
    spend(Some(0)).await;
    assert_eq!(days(&db, world.user).await, [(today, 1_555)]);
    let events = "SELECT count(*)::text FROM ai_usage_events";
    assert_eq!(text(&db, events).await, "5");
    balances(&store).await;
}

#[tokio::test]
async fn a_request_before_midnight_is_of_that_day_however_late_it_is_settled() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let lease = lease(&store).await;
    // Ten seconds before a midnight of UTC.
    let ahead = "SELECT (date_trunc('day', bursar_now(), 'UTC') + interval '1 day' - interval '10 seconds' \
        - bursar_now())::text";
    db.shift_time(&text(&db, ahead).await).await;
    let day = text(&db, "SELECT (bursar_now() AT TIME ZONE 'UTC')::date::text").await;
    let late = admit(&store, &request(world.user, lease, 0, 100)).await;
    let next = "SELECT (date_trunc('day', bursar_now(), 'UTC') + interval '1 day 1 second' \
        - statement_timestamp())::text";
    db.shift_time(&text(&db, next).await).await;
    let after = text(&db, "SELECT (bursar_now() AT TIME ZONE 'UTC')::date::text").await;
    assert_ne!(day, after);
    settle(&store, &settlement(late, 1, Some(7))).await;
    let early = admit(&store, &request(world.user, lease, 0, 100)).await;
    settle(&store, &settlement(early, 1, Some(11))).await;
    assert_eq!(days(&db, world.user).await, [(day, 7), (after, 11)]);
    balances(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_settlements_at_once_add_up() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros::USD)).await;
    let lease = lease(&store).await;
    let tasks = (0..100).map(|_| {
        let (store, user) = (store.clone(), world.user);
        tokio::spawn(async move {
            let held = admit(&store, &request(user, lease, 0, 10)).await;
            settle(&store, &settlement(held, 1, Some(1))).await;
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    let total: i64 = days(&db, world.user)
        .await
        .iter()
        .map(|(_, spend)| spend)
        .sum();
    assert_eq!(total, 100);
    balances(&store).await;
}

#[tokio::test]
async fn what_was_spent_outlives_the_person_and_the_group() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let made = crate::overrides::Team::new(&store).await;
    let mut unit = begin(&store).await;
    let budget = model::budgets::GroupBudgetUpsert::limit(Micros::USD);
    unit.group_budget_upsert(made.team, &budget).await.unwrap();
    unit.commit().await.unwrap();
    let lease = lease(&store).await;
    let held = admit(&store, &request(made.user, lease, 0, 100)).await;
    assert_eq!(held.account.group_id, Some(made.team));
    settle(&store, &settlement(held, 1, Some(42))).await;
    let mut unit = begin(&store).await;
    unit.group_delete(made.team).await.unwrap();
    unit.user_delete(made.user).await.unwrap();
    unit.commit().await.unwrap();
    let days = days(&db, made.user).await;
    assert_eq!((days.len(), days[0].1), (1, 42));
    let events = "SELECT sum(cost_micros)::text FROM ai_usage_events";
    assert_eq!(text(&db, events).await, "42");
    balances(&store).await;
}
