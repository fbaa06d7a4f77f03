//! The versions of people and organizations: raised by whatever changes a decision, and by nothing else.

use std::collections::{BTreeMap, BTreeSet};

use db::local::LocalRole;
use tokio::sync::Barrier;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::{TestDb, World, begin, new_group, new_user};

/// Two organizations, `acme` with Ada and Bob, who is in its group; Cid is in none.
const PEOPLE: &str = "
    SET bursar.actor_name = 'test';
    INSERT INTO organizations (id, name) VALUES ($acme, 'acme'), ($beta, 'beta');
    INSERT INTO users (id, username, email) VALUES ($ada, 'ada', 'a'), ($bob, 'bob', 'b'), ($cid, 'cid', 'c');
    INSERT INTO organization_members (organization_id, user_id) VALUES ($acme, $ada), ($acme, $bob);
    INSERT INTO groups (id, organization_id, name) VALUES ($team, $acme, 'team');
    INSERT INTO group_members (group_id, organization_id, user_id) VALUES ($team, $acme, $bob);";

const NAMES: [(&str, u128); 7] = [
    ("acme", 1),
    ("beta", 2),
    ("team", 3),
    ("ada", 0xa),
    ("bob", 0xb),
    ("cid", 0xc),
    ("new", 0xd),
];

fn sql(text: &str) -> String {
    NAMES.iter().fold(text.to_owned(), |text, (name, id)| {
        text.replace(&format!("${name}"), &format!("'{}'", Uuid::from_u128(*id)))
    })
}

async fn versions(client: &Client) -> BTreeMap<Uuid, i64> {
    let select = "SELECT id, version FROM subject_versions";
    let rows = client.query(select, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Runs statements one after the other and compares whose version each raises, by one.
async fn check(client: &Client, rows: &[(&str, &[&str])]) {
    for (statement, expected) in rows {
        let before = versions(client).await;
        client
            .batch_execute(&sql(statement))
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        let raised: BTreeSet<&str> = versions(client)
            .await
            .into_iter()
            .filter_map(|(id, version)| {
                let raise = version - before.get(&id).copied().unwrap_or_default();
                assert!((0..=1).contains(&raise), "{statement} raises by {raise}");
                let name = NAMES
                    .iter()
                    .find(|(_, known)| Uuid::from_u128(*known) == id);
                (raise == 1).then_some(name.unwrap().0)
            })
            .collect();
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(raised, expected, "{statement}");
    }
}

/// Statements, and whose version each raises.
const CHANGES: &[(&str, &[&str])] = &[
    (
        "INSERT INTO users (id, username, email) VALUES ($new, 'new', 'n')",
        &["new"],
    ),
    (
        "UPDATE users SET status = 'suspended' WHERE id = $ada",
        &["ada"],
    ),
    ("UPDATE users SET status = 'suspended' WHERE id = $ada", &[]),
    ("UPDATE users SET status = 'active'", &["ada"]),
    (
        "UPDATE users SET roles = '{auditor}' WHERE id IN ($ada, $bob)",
        &["ada", "bob"],
    ),
    (
        "UPDATE users SET roles = '{}', last_seen_at = now() WHERE id = $bob",
        &["bob"],
    ),
    (
        "UPDATE users SET last_seen_at = now(), updated_at = now(), hashed_password = 'x'",
        &[],
    ),
    (
        "UPDATE users SET name = 'x', username = 'ada2', email = 'a2' WHERE id = $ada",
        &[],
    ),
    ("UPDATE users SET deleted = true WHERE id = $new", &["new"]),
    ("UPDATE users SET roles = '{}' WHERE false", &[]),
    (
        "UPDATE organizations SET display_name = 'x', updated_at = now(), name = 'b'  WHERE id = $beta",
        &[],
    ),
    (
        "INSERT INTO organization_members (organization_id, user_id) VALUES ($beta, $ada), ($beta, $cid)",
        &["ada", "cid"],
    ),
    (
        "UPDATE organization_members SET roles = '{organization-admin}' WHERE organization_id = $beta",
        &["ada", "cid"],
    ),
    ("UPDATE organization_members SET updated_at = now()", &[]),
    (
        "DELETE FROM organization_members WHERE organization_id = $beta AND user_id = $cid",
        &["cid"],
    ),
    (
        "UPDATE users SET login_type = 'none' WHERE id = $ada",
        &["ada"],
    ),
    ("UPDATE users SET login_type = 'none' WHERE id = $ada", &[]),
    (
        "UPDATE organizations SET default_org_member_roles = '{helper}' WHERE id = $acme",
        &["acme"],
    ),
    (
        "UPDATE organizations SET default_org_member_roles = '{helper}' WHERE id = $acme",
        &[],
    ),
    (
        "UPDATE organizations SET shareable_workspace_owners = 'none' WHERE id = $acme",
        &["acme"],
    ),
    (
        "INSERT INTO custom_roles (id, organization_id, name) VALUES ($new, $acme, 'helper')",
        &["acme"],
    ),
    (
        "UPDATE custom_roles SET display_name = 'x', updated_at = now() WHERE id = $new",
        &[],
    ),
    (
        "UPDATE custom_roles SET org_permissions = '[1]' WHERE id = $new",
        &["acme"],
    ),
    (
        "UPDATE custom_roles SET member_permissions = '[1]' WHERE id = $new",
        &["acme"],
    ),
    (
        "UPDATE custom_roles SET member_permissions = '[1]'  WHERE id = $new",
        &[],
    ),
    (
        "UPDATE custom_roles SET definition_version = 1 WHERE organization_id = $acme AND is_system",
        &["acme"],
    ),
    (
        "UPDATE organization_members SET roles = '{helper}' WHERE organization_id = $acme AND user_id = $bob",
        &["bob"],
    ),
    // It is taken from who holds it and from what every member holds.
    ("DELETE FROM custom_roles WHERE id = $new", &["acme", "bob"]),
    (
        "DELETE FROM custom_roles WHERE organization_id = $beta",
        &["beta"],
    ),
    (
        "UPDATE organizations SET deleted = true WHERE id = $beta",
        &["beta"],
    ),
    (
        "UPDATE groups SET name = 'crew', display_name = 'x', updated_at = now() WHERE id = $team",
        &[],
    ),
    (
        "INSERT INTO group_members (group_id, organization_id, user_id) VALUES ($team, $acme, $ada)",
        &["ada"],
    ),
    ("UPDATE group_members SET created_at = now()", &[]),
    ("DELETE FROM group_members WHERE user_id = $ada", &["ada"]),
    // Somebody else in one's place.
    (
        "UPDATE group_members SET user_id = $ada WHERE user_id = $bob",
        &["ada", "bob"],
    ),
    ("INSERT INTO group_ai_budgets VALUES ($team, $acme, 5)", &[]),
    (
        "INSERT INTO api_keys (id, hashed_secret, user_id, kind, scopes, allow_list, expires_at) \
            VALUES ('k', sha256(''), $ada, 'session', '{all}', '{*:*}', now())",
        &[],
    ),
    ("DELETE FROM api_keys", &[]),
    // Several statements of one transaction raise once; what is rolled back raises nothing.
    (
        "UPDATE users SET roles = '{a}' WHERE id = $ada; UPDATE users SET roles = '{b}' WHERE id = $ada",
        &["ada"],
    ),
    (
        "BEGIN; UPDATE users SET roles = '{c}' WHERE id = $ada; ROLLBACK",
        &[],
    ),
    (
        "BEGIN; UPDATE users SET roles = '{d}' WHERE id = $ada; SAVEPOINT s; \
            UPDATE users SET roles = '{d}' WHERE id = $bob; ROLLBACK TO s; COMMIT",
        &["ada"],
    ),
];

#[tokio::test]
async fn whatever_changes_a_decision_raises_a_version_and_nothing_else_does() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::App).await;
    client.batch_execute(&sql(PEOPLE)).await.unwrap();
    check(&client, CHANGES).await;
}

#[tokio::test]
async fn cascades_raise_versions_too() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::App).await;
    client.batch_execute(&sql(PEOPLE)).await.unwrap();
    let join = "INSERT INTO group_members (group_id, organization_id, user_id) VALUES ($team, $acme, $ada)";
    let again = "INSERT INTO groups (id, organization_id, name) VALUES ($team, $acme, 'team')";
    let rows: &[(&str, &[&str])] = &[
        (join, &["ada"]),
        ("DELETE FROM groups WHERE id = $team", &["ada", "bob"]),
        (again, &[]),
        (join, &["ada"]),
        // The membership, and with it the place in the group.
        (
            "DELETE FROM organization_members WHERE user_id = $ada",
            &["ada"],
        ),
        ("DELETE FROM users WHERE id = $ada", &["ada"]),
        (
            "DELETE FROM organizations WHERE id = $acme",
            &["acme", "bob"],
        ),
        (
            "INSERT INTO users (id, username, email) VALUES ($ada, 'ada', 'a')",
            &["ada"],
        ),
    ];
    check(&client, rows).await;
    let ada = versions(&client).await[&Uuid::from_u128(0xa)];
    assert!(ada > 1, "a row that comes back goes on counting");

    client
        .batch_execute(&sql(
            "INSERT INTO organizations (id, name) VALUES ($acme, 'acme')",
        ))
        .await
        .unwrap();
    client
        .batch_execute(&sql(
            "INSERT INTO organization_members (organization_id, user_id) VALUES ($acme, $ada)",
        ))
        .await
        .unwrap();
    let owner = db.client(LocalRole::Owner).await;
    let all: &[&str] = &["ada", "bob", "cid"];
    check(
        &owner,
        &[(
            "TRUNCATE organization_members, group_members, workspace_acl, chat_acl",
            all,
        )],
    )
    .await;
}

#[tokio::test]
async fn the_application_cannot_set_versions_back() {
    let db = TestDb::new().await;
    let app = db.client(LocalRole::App).await;
    for statement in [
        "UPDATE subject_versions SET version = 1",
        "DELETE FROM subject_versions",
        "DELETE FROM subject_version_raises",
        "INSERT INTO subject_version_raises (ids) VALUES ('{}')",
        "SELECT raise_noted_subject_versions()",
        "SELECT rights FROM application_rights",
        "UPDATE application_rights SET rights = ''",
    ] {
        let refused = app.batch_execute(statement).await.unwrap_err();
        let code = refused.code().map(|code| code.code().to_owned());
        let forbidden = matches!(code.as_deref(), Some("42501" | "0A000"));
        assert!(forbidden, "{statement}: {refused:?}");
    }
}

/// Two people change places between two groups, in two transactions at once: neither waits for the other.
#[tokio::test]
async fn people_who_change_places_do_not_lock_each_other_out() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let organization = World::new(&store, None).await.organization;
    let people = ["eve", "fay"].map(|name| new_user(name, &[organization]));
    let teams = ["one", "two"].map(|name| new_group(name, organization));
    let mut unit = begin(&store).await;
    for (person, team) in people.iter().zip(&teams) {
        unit.user_create(person).await.unwrap();
        unit.group_create(team).await.unwrap();
        let update = joined(person.id, None);
        unit.group_update(team.id, &update).await.unwrap();
    }
    unit.commit().await.unwrap();
    let both_changed = Barrier::new(2);
    let swap = async |team: usize| {
        let [mine, other] = [team, 1 - team].map(|number| people[number].id);
        let mut unit = begin(&store).await;
        let update = joined(other, Some(mine));
        unit.group_update(teams[team].id, &update).await.unwrap();
        both_changed.wait().await;
        unit.commit().await.unwrap();
    };
    tokio::join!(swap(0), swap(1));
    let client = db.client(LocalRole::App).await;
    let versions = versions(&client).await;
    assert_eq!(people.each_ref().map(|user| versions[&user.id.0]), [3, 3]);
    let left = client
        .query("SELECT 1 FROM group_members", &[])
        .await
        .unwrap();
    assert_eq!(left.len(), 2);
}

fn joined(adds: model::UserId, removes: Option<model::UserId>) -> model::groups::GroupUpdate {
    model::groups::GroupUpdate {
        add_users: vec![adds],
        remove_users: removes.into_iter().collect(),
        ..model::groups::GroupUpdate::default()
    }
}
