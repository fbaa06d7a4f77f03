//! What servers with open streams hear of changes: whose rights may be others, by id, at commit.

use std::{collections::BTreeSet, time::Instant};

use db::{Hint, Listener, local::LocalRole};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::TestDb;

const ACME: Uuid = Uuid::from_u128(1);
const ADA: Uuid = Uuid::from_u128(0xa);
const BOB: Uuid = Uuid::from_u128(0xb);

const PEOPLE: &str = "
    SET bursar.actor_name = 'test';
    INSERT INTO organizations (id, name) VALUES ($acme, 'acme');
    INSERT INTO users (id, username, email) VALUES ($ada, 'ada', 'a'), ($bob, 'bob', 'b');
    INSERT INTO organization_members (organization_id, user_id) VALUES ($acme, $ada), ($acme, $bob);
    INSERT INTO groups (id, organization_id, name) VALUES ('00000000-0000-0000-0000-000000000003', $acme, 'team');
    INSERT INTO api_keys (id, hashed_secret, user_id, kind, scopes, allow_list, expires_at)
        SELECT 'key-' || number, sha256(''), $ada, 'session', '{all}', '{*:*}', now() + interval '1 day'
        FROM generate_series(1, 3) AS number;";

fn sql(text: &str) -> String {
    [("$acme", ACME), ("$ada", ADA), ("$bob", BOB)]
        .iter()
        .fold(text.to_owned(), |text, (name, id)| {
            text.replace(name, &format!("'{id}'"))
        })
}

/// Statements, and whom each is about.
const CHANGES: &[(&str, &[Uuid])] = &[
    (
        "UPDATE users SET status = 'suspended' WHERE id = $ada",
        &[ADA],
    ),
    ("UPDATE users SET status = 'suspended' WHERE id = $ada", &[]),
    ("UPDATE users SET last_seen_at = now(), name = 'x'", &[]),
    (
        "UPDATE users SET status = 'active', roles = '{auditor}'",
        &[ADA, BOB],
    ),
    (
        "UPDATE organizations SET shareable_workspace_owners = 'none'",
        &[ACME],
    ),
    (
        "DELETE FROM organization_members WHERE user_id = $bob",
        &[BOB],
    ),
    (
        "UPDATE api_keys SET expires_at = now() WHERE id = 'key-1'",
        &[ADA],
    ),
    ("DELETE FROM api_keys WHERE id = 'key-1'", &[ADA]),
    // However many there were, and whatever else changed of the same person.
    (
        "BEGIN; DELETE FROM api_keys; UPDATE users SET deleted = true WHERE id = $ada; COMMIT",
        &[ADA],
    ),
    ("DELETE FROM api_keys", &[]),
    (
        "BEGIN; UPDATE users SET status = 'suspended' WHERE id = $bob; ROLLBACK",
        &[],
    ),
];

async fn said(client: &Client, listener: &mut Listener) -> BTreeSet<Uuid> {
    // Whatever was said before arrives before this.
    let last = Uuid::from_u128(0xffff);
    let notify = format!("SELECT pg_notify('bursar_spend', 'user:{last}')");
    client.batch_execute(&notify).await.unwrap();
    let mut heard = BTreeSet::new();
    loop {
        match listener.next().await {
            Hint::Subject(subject) => assert!(heard.insert(subject), "{subject} was said twice"),
            Hint::Spend(limit) if limit.id == last => return heard,
            other @ (Hint::Spend(_) | Hint::Connected | Hint::EverySubject | Hint::Chat { .. }) => {
                panic!("{other:?}")
            }
        }
    }
}

#[tokio::test]
async fn a_change_of_rights_and_a_keys_end_are_said_at_commit() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::App).await;
    client.batch_execute(&sql(PEOPLE)).await.unwrap();
    let mut listener = db::listen(db.url(LocalRole::App).await);
    assert_eq!(listener.next().await, Hint::Connected);
    for (statement, expected) in CHANGES {
        client
            .batch_execute(&sql(statement))
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        let heard = said(&client, &mut listener).await;
        assert_eq!(heard, expected.iter().copied().collect(), "{statement}");
    }
}

/// The time of adding these people to a group, and what is heard of it.
async fn add(client: &Client, listener: &mut Listener, which: &str) -> (u128, Vec<Hint>) {
    let started = Instant::now();
    let statement = format!(
        "INSERT INTO group_members (group_id, organization_id, user_id) \
         SELECT '00000000-0000-0000-0000-000000000003', '{ACME}', id FROM users WHERE {which}"
    );
    client.batch_execute(&statement).await.unwrap();
    let took = started.elapsed().as_millis();
    let notify = format!("SELECT pg_notify('bursar_spend', 'user:{ACME}')");
    client.batch_execute(&notify).await.unwrap();
    let mut heard = Vec::new();
    loop {
        match listener.next().await {
            Hint::Spend(_) => return (took, heard),
            hint => heard.push(hint),
        }
    }
}

#[tokio::test]
async fn a_change_for_very_many_is_said_once_for_all() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::App).await;
    client.batch_execute(&sql(PEOPLE)).await.unwrap();
    let crowd = format!(
        "INSERT INTO users (id, username, email) \
            SELECT gen_random_uuid(), 'user' || n, 'u' || n FROM generate_series(1, 11000) AS n; \
         INSERT INTO organization_members (organization_id, user_id) \
            SELECT '{ACME}', id FROM users WHERE username LIKE 'user%'"
    );
    client.batch_execute(&crowd).await.unwrap();
    let mut listener = db::listen(db.url(LocalRole::App).await);
    assert_eq!(listener.next().await, Hint::Connected);
    let (few, heard) = add(&client, &mut listener, "username LIKE 'user10___'").await;
    let named = heard.iter().filter(|hint| matches!(hint, Hint::Subject(_)));
    assert_eq!((named.count(), heard.len()), (1_000, 1_000));
    let rest =
        "username LIKE 'user%' AND username NOT LIKE 'user10___' AND username <> 'user11000'";
    let (many, heard) = add(&client, &mut listener, rest).await;
    println!("a thousand people, named: {few} ms; ten thousand, not named: {many} ms");
    assert_eq!(heard, [Hint::EverySubject]);
}
