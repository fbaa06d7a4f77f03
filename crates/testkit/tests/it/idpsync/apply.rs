//! What a sign-in changes, once, and what it leaves alone, on a real database.

use bursar_sdk::Client;
use dbauthz::SystemStore;
use futures_util::future::join_all;
use model::idpsync::{IdentitySyncReport, SyncWarning};
use serde_json::{Value, json};
use store::StoreError;
use testkit::World;
use uuid::Uuid;

use super::{
    GROUPS, ROLES, SITE, groups_of, names, roles_of, set, sign_in, store, try_sign_in, written,
};
use crate::{
    roles::made,
    support::{ask, is, member, person, world},
};

/// Changes a setting as the owner.
async fn on(world: &World, path: &str, body: Value) {
    is(&set(world, &world.cast.owner, path, &body).await, 200);
}

/// Everything on: `orgs` (`a` is acme), `groups` (`g` is builders, others are made) and `roles`.
async fn synchronized() -> (World, SystemStore) {
    let world = world().await;
    let (acme, group) = (world.cast.organization_id, world.cast.group_id);
    let groups = json!({
        "field": "groups", "mapping": {"g": [group]}, "regex_filter": "^(team-|builders$)",
        "auto_create_missing_groups": true,
    });
    let roles = json!({"field": "roles", "mapping": {
        "audit": ["organization-auditor"], "lead": ["organization-admin", "organization-auditor"],
    }});
    on(
        &world,
        SITE,
        json!({"field": "orgs", "mapping": {"a": [acme]}}),
    )
    .await;
    on(&world, GROUPS, groups).await;
    on(&world, ROLES, roles).await;
    let store = store(&world).await;
    (world, store)
}

#[tokio::test]
async fn a_sign_in_brings_somebody_where_the_claims_say_and_a_second_writes_nothing() {
    let (world, store) = synchronized().await;
    let eve = person(&world, "eve", &[]).await.id;
    let claims = json!({
        "orgs": ["a", "unknown"], "groups": ["g", "team-x", "other", "Everyone"], "roles": ["audit", "owner"],
    });
    let report = sign_in(&store, eve, claims.clone()).await;
    assert_eq!(
        (report.joined.len(), report.left.len()),
        (2, 0),
        "acme and the default one"
    );
    assert_eq!((report.groups_created, report.groups_joined), (1, 2));
    assert_eq!(
        groups_of(&world, "eve").await,
        ["Everyone", "builders", "team-x"]
    );
    assert_eq!(
        roles_of(&world, eve).await.unwrap(),
        ["organization-auditor"]
    );
    let mut first = written(&world).await;
    first.sort();
    let expected = [
        "create group team-x",
        "create group_member eve",
        "create group_member eve",
        "create organization_member eve",
        "create organization_member eve",
    ];
    assert_eq!(first, expected);

    let again = sign_in(&store, eve, claims).await;
    assert_eq!(again, IdentitySyncReport::default());
    assert_eq!(written(&world).await.len(), first.len());

    // What changed at the provider changes here, and what was given by hand is replaced.
    let path = format!("/organizations/acme/members/{eve}/roles");
    let by_hand = json!({"roles": ["organization-user-admin"]});
    is(
        &ask(&world, &world.cast.owner, "PUT", &path, &by_hand).await,
        200,
    );
    let report = sign_in(
        &store,
        eve,
        json!({"orgs": ["a"], "groups": ["team-X", "BUILDERS"], "roles": ["lead"]}),
    )
    .await;
    assert_eq!(
        (
            report.groups_joined,
            report.groups_left,
            report.roles_changed
        ),
        (0, 1, 1)
    );
    assert_eq!(groups_of(&world, "eve").await, ["Everyone", "team-x"]);
    let roles = ["organization-admin", "organization-auditor"];
    assert_eq!(roles_of(&world, eve).await.unwrap(), roles);

    // And who is nowhere any more has nothing left, here or there.
    let report = sign_in(&store, eve, json!({"orgs": []})).await;
    assert_eq!(
        (report.joined.len(), report.left.len(), report.groups_left),
        (0, 1, 0)
    );
    assert_eq!(roles_of(&world, eve).await, None);
    assert_eq!(groups_of(&world, "eve").await, [""; 0]);
    let lines = written(&world).await;
    let last = &lines[lines.len() - 2..];
    assert_eq!(
        last,
        ["delete group_member eve", "delete organization_member eve"]
    );
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_takes_nothing_away() {
    let (world, store) = synchronized().await;
    let ada = world.cast.member_id;
    let path = format!("/organizations/acme/members/{ada}/roles");
    let by_hand = json!({"roles": ["organization-auditor"]});
    is(
        &ask(&world, &world.cast.owner, "PUT", &path, &by_hand).await,
        200,
    );
    for claims in [
        json!({"orgs": 5, "groups": {"g": true}, "roles": [["audit"]]}),
        json!({"_claim_names": {"orgs": "s", "groups": "s", "roles": "s"}}),
        json!(["orgs"]),
        json!(null),
    ] {
        let report = sign_in(&store, ada, claims).await;
        assert!(!report.changed(), "{report:?}");
        let unreadable = |warning: &&SyncWarning| matches!(warning, SyncWarning::Unreadable { .. });
        assert_eq!(
            report.warnings.iter().filter(unreadable).count(),
            3,
            "{report:?}"
        );
    }
    assert_eq!(groups_of(&world, "ada").await, ["Everyone", "builders"]);
    assert_eq!(written(&world).await, [""; 0]);
    // An absent claim, though, is what providers send for an empty one.
    let report = sign_in(&store, ada, json!({"orgs": "a"})).await;
    assert_eq!(
        (
            report.groups_left,
            report.roles_changed,
            report.warnings.len()
        ),
        (1, 1, 2)
    );
}

#[tokio::test]
async fn what_is_off_is_left_alone_and_the_site_owner_stays_the_owner() {
    let (world, store) = synchronized().await;
    let owner = world.cast.owner.user_get("me").await.unwrap();
    let report = sign_in(&store, owner.id, json!({"orgs": [], "roles": ["audit"]})).await;
    assert_eq!(report.left.len(), 1);
    assert_eq!(
        world.cast.owner.user_get("me").await.unwrap().roles,
        owner.roles
    );

    let ada = world.cast.member_id;
    for path in [SITE, GROUPS, ROLES] {
        on(&world, path, json!({"field": ""})).await;
    }
    let report = sign_in(
        &store,
        ada,
        json!({"orgs": [], "groups": ["team-y"], "": ["g"]}),
    )
    .await;
    assert_eq!(report, IdentitySyncReport::default());
    assert_eq!(groups_of(&world, "ada").await, ["Everyone", "builders"]);
}

#[tokio::test]
async fn what_is_gone_from_a_mapping_is_passed_over() {
    let (world, store) = synchronized().await;
    let owner = &world.cast.owner;
    made(&world, "reviewer", &["group:read"], &[]).await;
    let body = json!({"name": "beta"});
    let beta = ask(&world, owner, "POST", "/organizations", &body)
        .await
        .json()["id"]
        .clone();
    let acme = world.cast.organization_id;
    on(&world, SITE, json!({"mapping": {"a": [acme, beta]}})).await;
    let mapping = json!({"a": ["reviewer", "organization-auditor"]});
    on(&world, ROLES, json!({ "mapping": mapping })).await;
    for path in [
        "/organizations/beta",
        "/organizations/acme/members/roles/reviewer",
        &format!("/groups/{}", world.cast.group_id),
    ] {
        let answer = ask(&world, owner, "DELETE", path, &Value::Null).await;
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
    }
    // Another role of the name does not inherit the place of the one that is gone.
    made(&world, "reviewer", &["audit_log:read"], &[]).await;
    let ada = world.cast.member_id;
    let report = sign_in(
        &store,
        ada,
        json!({"orgs": "a", "groups": "g", "roles": "a"}),
    )
    .await;
    assert_eq!(
        roles_of(&world, ada).await.unwrap(),
        ["organization-auditor"]
    );
    let told: Vec<_> = report.warnings.iter().map(ToString::to_string).collect();
    assert!(
        told.iter()
            .any(|text| text.contains("organization") && text.contains("exist")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|text| text.contains("the group")),
        "{told:?}"
    );
    assert_eq!(told.len(), 2, "{told:?}");
    // It does not stand in the way of other changes either.
    on(&world, GROUPS, json!({"regex_filter": ""})).await;
    on(&world, SITE, json!({"organization_assign_default": false})).await;
}

#[tokio::test]
async fn who_does_not_exist_is_not_followed() {
    let (world, store) = synchronized().await;
    let gone = person(&world, "gone", &[]).await.id;
    is(
        &ask(
            &world,
            &world.cast.owner,
            "DELETE",
            "/users/gone",
            &Value::Null,
        )
        .await,
        200,
    );
    for user in [gone, Uuid::from_u128(7)] {
        let outcome = try_sign_in(&store, user, &json!({"orgs": "a"})).await;
        assert!(matches!(outcome, Err(StoreError::NotFound)), "{outcome:?}");
    }
    assert_eq!(written(&world).await, [""; 0]);
}

/// Many sign-ins of one person, with claims that contradict each other, while people are added and removed by hand:
/// nobody waits for ever, and the last sign-in is right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ins_at_once_and_changes_by_hand_do_not_stand_in_each_others_way() {
    let (world, store) = synchronized().await;
    let eve = member(&world, "eve", &[]).await.id;
    let full = json!({"orgs": "a", "groups": ["g", "team-x"], "roles": ["audit"]});
    let empty = json!({"orgs": [], "groups": [], "roles": []});
    let by_hand = async |round: usize, owner: &Client| {
        let path = "/organizations/acme/members/eve";
        let group = format!("/groups/{}", world.cast.group_id);
        let (method, path, body) = match round % 3 {
            0 => ("POST", path, Value::Null),
            1 => ("DELETE", path, Value::Null),
            _ => ("PATCH", group.as_str(), json!({"add_users": [eve]})),
        };
        let answer = ask(&world, owner, method, path, &body).await;
        assert!(answer.status < 500, "{method} {path}: {answer:?}");
    };
    let rounds = join_all((0..24).map(|round| {
        let claims = if round % 2 == 0 { &full } else { &empty };
        let (store, by_hand) = (&store, &by_hand);
        let owner = &world.cast.owner;
        async move {
            let signed_in = async { try_sign_in(store, eve, claims).await.unwrap() };
            futures_util::future::join(signed_in, by_hand(round, owner)).await
        }
    }));
    rounds.await;
    sign_in(&store, eve, full.clone()).await;
    assert_eq!(
        groups_of(&world, "eve").await,
        ["Everyone", "builders", "team-x"]
    );
    assert_eq!(
        roles_of(&world, eve).await.unwrap(),
        ["organization-auditor"]
    );
    assert!(!sign_in(&store, eve, full).await.changed());
}

/// People who sign in for the first time, all with the same missing group: it is made once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_group_is_made_once() {
    let (world, store) = synchronized().await;
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(person(&world, &format!("p{number}"), &[]).await.id);
    }
    let claims = json!({"orgs": "a", "groups": "team-new"});
    let reports = join_all(
        people
            .iter()
            .map(|user| sign_in(&store, *user, claims.clone())),
    )
    .await;
    let made: u64 = reports.iter().map(|report| report.groups_created).sum();
    assert_eq!(made, 1);
    assert_eq!(
        names(&world, "/groups?organization=acme").await,
        ["Everyone", "builders", "team-new"]
    );
    let members: usize = reports.iter().filter(|report| report.changed()).count();
    assert_eq!(members, 8);
    assert_eq!(groups_of(&world, "p7").await, ["Everyone", "team-new"]);
}
