//! An override and the membership that it hangs on, made and removed at once: in either order, nobody is left
//! charged to a group that they are not in. Written in SQL, so that no lock of the program helps.

use std::time::Duration;

use db::local::LocalRole;
use tokio_postgres::Client;

use crate::{
    overrides::{Team, charged_to},
    support::{TestDb, begin},
};

const NOT_MEMBER: &str = "user_ai_budget_overrides_must_be_group_member";

async fn client(db: &TestDb) -> Client {
    let client = db.client(LocalRole::Owner).await;
    let actor = "SELECT set_config('bursar.actor_name', 'test', false)";
    client.batch_execute(actor).await.unwrap();
    client
}

/// Waits until a connection waits for a lock, or has ended its statement.
async fn settled<T>(watch: &Client, pid: i32, task: &tokio::task::JoinHandle<T>) {
    for _ in 0..2_000 {
        let query = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted";
        let waiting: i64 = watch.query_one(query, &[&pid]).await.unwrap().get(0);
        if waiting > 0 || task.is_finished() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the second statement neither waits nor ends");
}

/// Two transactions; the second one's statement is sent while the first is open. What the second came to.
async fn overlap(db: &TestDb, first: &str, second: String) -> Result<(), tokio_postgres::Error> {
    let (one, other, watch) = (client(db).await, client(db).await, client(db).await);
    let pid: i32 = other
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    one.batch_execute(&format!("BEGIN; {first}")).await.unwrap();
    let task = tokio::spawn(async move { other.batch_execute(&second).await });
    settled(&watch, pid, &task).await;
    assert!(!task.is_finished(), "the second waits for the first");
    one.batch_execute("COMMIT").await.unwrap();
    task.await.unwrap()
}

async fn count(db: &TestDb, condition: &str) -> i64 {
    let query = format!("SELECT count(*) FROM user_ai_budget_overrides WHERE {condition}");
    client(db)
        .await
        .query_one(&query, &[])
        .await
        .unwrap()
        .get(0)
}

/// How memberships end: `{user}`, `{team}`, `{other}` and `{acme}` are filled in.
const REMOVALS: &[(&str, bool)] = &[
    // the statement, and whether the override is charged to Everyone
    ("DELETE FROM group_members WHERE user_id = '{user}'", false),
    (
        "UPDATE group_members SET group_id = '{other}' WHERE user_id = '{user}'",
        false,
    ),
    ("DELETE FROM groups WHERE id = '{team}'", false),
    (
        "DELETE FROM organization_members WHERE user_id = '{user}'",
        false,
    ),
    (
        "DELETE FROM organization_members WHERE user_id = '{user}'",
        true,
    ),
    ("DELETE FROM organizations WHERE id = '{acme}'", false),
    ("DELETE FROM organizations WHERE id = '{acme}'", true),
    ("DELETE FROM users WHERE id = '{user}'", false),
    ("DELETE FROM users WHERE id = '{user}'", true),
];

fn fill(text: &str, made: &Team) -> String {
    text.replace("{user}", &made.user.to_string())
        .replace("{team}", &made.team.to_string())
        .replace("{other}", &made.other.to_string())
        .replace("{acme}", &made.organization.to_string())
}

fn insert(made: &Team, everyone: bool) -> String {
    let group = if everyone { "{acme}" } else { "{team}" };
    let text = format!(
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros) \
         VALUES ('{{user}}', '{group}', 1)"
    );
    fill(&text, made)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_comes_first_lets_no_override_be_made() {
    for (removal, everyone) in REMOVALS {
        let db = TestDb::new().await;
        let made = Team::new(&db.store().await).await;
        let second = insert(&made, *everyone);
        let outcome = overlap(&db, &fill(removal, &made), second).await;
        let error = outcome.expect_err(removal);
        let error = error.as_db_error().unwrap();
        assert_eq!(
            (error.code().code(), error.constraint()),
            ("23514", Some(NOT_MEMBER)),
            "{removal}: {error:?}"
        );
        assert_eq!(count(&db, "true").await, 0, "{removal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_comes_second_takes_the_override_with_it() {
    for (removal, everyone) in REMOVALS {
        let db = TestDb::new().await;
        let made = Team::new(&db.store().await).await;
        let first = insert(&made, *everyone);
        overlap(&db, &first, fill(removal, &made))
            .await
            .unwrap_or_else(|error| panic!("{removal}: {error:?}"));
        assert_eq!(count(&db, "true").await, 0, "{removal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_memberships_come_and_go_while_overrides_are_set() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let made = Team::new(&store).await;
    made.join(&store, made.other).await;
    let setters = [made.team, made.other, made.organization.everyone()].map(|group| {
        let (store, user) = (store.clone(), made.user);
        tokio::spawn(async move {
            for micros in 1..=200 {
                let mut unit = begin(&store).await;
                let budget = charged_to(group, micros);
                match unit.budget_override_upsert(user, &budget).await {
                    Ok(_) => unit.commit().await.unwrap(),
                    Err(store::StoreError::Violated(name)) if name == NOT_MEMBER => {}
                    // Statements in SQL know no order of locks: one of two may have to begin again.
                    Err(store::StoreError::Unavailable(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        })
    });
    let movers = [made.team, made.other].map(|group| {
        let client = client(&db);
        let (user, organization) = (made.user, made.organization);
        (client, group, user, organization)
    });
    let mut tasks = Vec::new();
    for (client, group, user, organization) in movers {
        let client = client.await;
        tasks.push(tokio::spawn(async move {
            let leave = format!(
                "DELETE FROM group_members WHERE group_id = '{group}' AND user_id = '{user}'"
            );
            let join = format!(
                "INSERT INTO group_members (group_id, user_id, organization_id) \
                 VALUES ('{group}', '{user}', '{organization}') ON CONFLICT DO NOTHING"
            );
            for _ in 0..250 {
                for statement in [&leave, &join] {
                    if let Err(error) = client.batch_execute(statement).await {
                        let code = error.code().map(|code| code.code().to_owned());
                        assert_eq!(code.as_deref(), Some("40P01"), "{error:?}");
                    }
                }
            }
            client.batch_execute(&leave).await.unwrap();
        }));
    }
    for task in setters.into_iter().chain(tasks) {
        task.await.unwrap();
    }
    assert_eq!(
        count(&db, "NOT is_group_member(user_id, group_id)").await,
        0
    );
}
