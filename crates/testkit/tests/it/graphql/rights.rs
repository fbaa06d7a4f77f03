//! Who may read and set which caps, and what everybody else is told: always the same.

use bursar_sdk::{AuditListQuery, Client, CreateTokenRequest};
use serde_json::{Value, json};
use testkit::World;

use super::{CAPS, FLAT, GENERIC, admin_mode, answered, change, code, data, error, gql, post};
use crate::support::{ask, member, person, request, site, world};

/// A change and a read of one scope, `path` being an organization's or none.
async fn both(world: &World, caller: &Client, path: Option<&str>) -> [Value; 2] {
    let input = json!({"namespacePath": path, "flatUserCap": 1, "flatUserCapEnabled": true});
    [
        change(world, caller, FLAT, input).await,
        gql(world, caller, CAPS, json!({"path": path})).await,
    ]
}

#[track_caller]
fn refused(answers: &[Value; 2]) {
    for answer in answers {
        assert_eq!(
            (error(answer), code(answer)),
            (GENERIC, "NOT_FOUND_OR_FORBIDDEN")
        );
    }
    let [change, read] = answers;
    assert_eq!(change["data"], json!({"upsertFlatUserCap": null}));
    assert_eq!(read["data"], json!({"subscriptionUsage": null}));
}

#[track_caller]
fn allowed(answers: &[Value; 2]) {
    let [change, read] = answers;
    assert_eq!(data(change, "upsertFlatUserCap")["flatUserCap"], 1.0);
    assert_eq!(
        data(read, "subscriptionUsage")["budgetCaps"]["flatUserCap"],
        1.0
    );
}

/// Cases 4, 5, 7, 10, 28 and 29.
#[tokio::test]
async fn an_organizations_caps_are_for_its_administrators_and_owners() {
    let world = world().await;
    let boss = member(&world, "boss", &["organization-admin"]).await.client;
    let auditor = member(&world, "auditor", &["organization-auditor"])
        .await
        .client;
    let stranger = person(&world, "stranger", &[]).await.client;
    let user_admin = site(&world, "user-admin").await.client;
    for caller in [&world.cast.owner, &boss] {
        for path in ["acme", "ACME"] {
            allowed(&both(&world, caller, Some(path)).await);
        }
    }
    for caller in [&world.cast.member, &stranger, &user_admin] {
        for path in ["acme", "nowhere", "", "no/where", "a b"] {
            // Whoever may know of the organization is told what a path into it is; nothing else is told apart.
            refused(&both(&world, caller, Some(path)).await);
        }
    }
    let [change, _] = both(&world, &auditor, Some("acme")).await;
    assert_eq!(error(&change), GENERIC);
    let anonymous = json!({"query": CAPS, "variables": {"path": "acme"}});
    let answer = post(&world, None, &anonymous).await;
    assert_eq!(error(&answer.json()), GENERIC);

    let inside = "Subscription usage can only be queried on a root namespace";
    for (caller, message) in [
        (&boss, inside),
        (&world.cast.owner, inside),
        (&stranger, GENERIC),
    ] {
        let [change, read] = both(&world, caller, Some("acme/sub")).await;
        assert_eq!(error(&read), message);
        assert_eq!(error(&change), GENERIC);
    }
}

/// Case 8.
#[tokio::test]
async fn the_deployments_caps_are_for_owners_in_admin_mode() {
    let world = world().await;
    let owner = &world.cast.owner;
    let boss = member(&world, "boss", &["organization-admin"]).await.client;
    refused(&both(&world, &boss, None).await);
    refused(&both(&world, owner, None).await);
    let body = json!({"password": "wrong"});
    let answer = ask(&world, owner, "POST", "/users/me/admin-mode", &body).await;
    assert!(answer.status >= 400, "{}", answer.text);
    refused(&both(&world, owner, None).await);

    let token = async |scopes: &[&str]| {
        let wanted = CreateTokenRequest {
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..CreateTokenRequest::default()
        };
        owner.api_key_create("me", &wanted).await
    };
    let all = token(&["all"]).await.unwrap();
    token(&["all", "admin_mode"]).await.unwrap_err();
    admin_mode(&world).await;
    allowed(&both(&world, owner, None).await);
    refused(&both(&world, &owner.with_token(all.key), None).await);
    let admin = token(&["all", "admin_mode"]).await.unwrap();
    allowed(&both(&world, &owner.with_token(admin.key), None).await);
}

/// Case 38.
#[tokio::test]
async fn a_token_does_what_its_scopes_say() {
    let world = world().await;
    let boss = member(&world, "boss", &["organization-admin"]).await;
    let by = async |scopes: &[&str]| {
        let wanted = CreateTokenRequest {
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..CreateTokenRequest::default()
        };
        let token = world.cast.owner.api_key_create(boss.id, &wanted).await;
        boss.client.with_token(token.unwrap().key)
    };
    let reads = by(&["budget_cap:read", "organization:read"]).await;
    let [change, read] = both(&world, &reads, Some("acme")).await;
    assert_eq!(error(&change), GENERIC);
    assert_eq!(
        data(&read, "subscriptionUsage")["budgetCaps"]["flatUserCap"],
        Value::Null
    );
    refused(&both(&world, &by(&["user:read"]).await, Some("acme")).await);
    allowed(&both(&world, &by(&["all"]).await, Some("acme")).await);
}

#[tokio::test]
async fn callers_are_known_by_every_way_to_sign_in() {
    let world = world().await;
    let token = world.cast.owner.token().unwrap().expose().to_owned();
    let body = json!({"query": CAPS, "variables": {"path": "acme"}});
    let ask = || request(&world, "POST", "/api/graphql").json(&body);
    for name in [
        "Bursar-Session-Token",
        "Coder-Session-Token",
        "PRIVATE-TOKEN",
    ] {
        let answer = answered(ask().header(name, &token)).await;
        data(&answer.json(), "subscriptionUsage");
        let answer = answered(ask().header(name, "wrong")).await;
        assert_eq!(
            (answer.status, error(&answer.json())),
            (401, "Invalid token")
        );
    }
    let answer = answered(ask().query(&[("private_token", &token)])).await;
    data(&answer.json(), "subscriptionUsage");

    let cookie = format!("bursar_session={token}");
    let answer = answered(ask().header("cookie", &cookie)).await;
    assert_eq!(answer.status, 403);
    error(&answer.json());
    let origin = world.server.url();
    let answer = answered(ask().header("cookie", &cookie).header("origin", origin)).await;
    data(&answer.json(), "subscriptionUsage");
}

#[tokio::test]
async fn refused_changes_are_recorded_and_made_ones_too() {
    let world = world().await;
    let ada = &world.cast.member;
    let input = json!({"flatUserCap": 1, "flatUserCapEnabled": true});
    let body = json!({"query": FLAT, "variables": {"in": {"namespacePath": "acme", "flatUserCap": 1,
        "flatUserCapEnabled": true}}});
    let answer = post(&world, Some(ada), &body).await;
    assert_eq!(error(&answer.json()), GENERIC);
    let lines = crate::support::lines(&world, answer.request_id()).await;
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.resource_target.as_str(), line.status_code))
        .collect();
    assert_eq!(told, [("upsertFlatUserCap acme", 404)]);

    change(&world, &world.cast.owner, FLAT, input).await;
    let query = AuditListQuery {
        resource_type: Some("budget_cap".to_owned()),
        ..AuditListQuery::default()
    };
    let found = world.cast.owner.audit_list(&query).await.unwrap();
    let made = found
        .audit_logs
        .iter()
        .filter(|line| line.status_code < 400);
    assert_eq!(made.count(), 1, "{found:?}");
}
