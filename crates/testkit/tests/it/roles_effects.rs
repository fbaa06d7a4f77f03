//! What a custom role lets its holders do, from the next request on, and what its end takes from them.

use bursar_sdk::Client;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};

use crate::{
    roles::{ROLES, defaults, given, human, made, role},
    support::{ask, get, is, lines, world},
};

/// Whether somebody may do this to their own thing, or to nobody's in the organization, at this server.
async fn may(world: &World, caller: &Client, what: &str) -> bool {
    let (whose, permission) = what.split_once(' ').unwrap();
    let (resource_type, action) = permission.split_once(':').unwrap();
    let mut object = json!({
        "resource_type": resource_type, "organization_id": world.cast.organization_id,
    });
    if whose == "own" {
        object["owner_id"] = json!("me");
    }
    let checks = json!({"checks": {"it": {"object": object, "action": action}}});
    let checks = serde_json::from_value(checks).unwrap();
    let answers = caller
        .authorization_check(&Default::default(), &checks)
        .await;
    json!(answers.unwrap())["it"] == json!(true)
}

#[tokio::test]
async fn a_role_counts_from_the_next_request_on_at_every_server() {
    let world = world().await;
    let options = ServerOptions::default();
    let second = TestServer::start(&world.database, &options).await.unwrap();
    let eve = human(&world, "eve").await;
    let eve = second.nobody().with_token(eve.token);
    let check = async |after: &str, what: &str, expected: bool| {
        // Twice, so that the second answer is one from memory.
        for _ in 0..2 {
            assert_eq!(
                may(&world, &eve, what).await,
                expected,
                "{what} after {after}"
            );
        }
    };
    let change = async |name: &str, org: &[&str], own: &[&str]| {
        let body = role(name, org, own);
        is(
            &ask(&world, &world.cast.owner, "PUT", ROLES, &body).await,
            200,
        );
    };
    made(&world, "own", &[], &["chat:delete"]).await;
    made(
        &world,
        "less",
        &["!organization_member:read"],
        &["!workspace:delete"],
    )
    .await;
    check("nothing", "own chat:delete", false).await;
    is(&given(&world, "eve", &["own"]).await, 200);
    check("giving", "own chat:delete", true).await;
    check("giving", "any chat:delete", false).await;
    change("own", &[], &[]).await;
    check("a change", "own chat:delete", false).await;
    change("own", &["chat:delete"], &[]).await;
    check("another", "any chat:delete", true).await;

    check("nothing", "any organization_member:read", true).await;
    check("nothing", "own workspace:delete", true).await;
    let list = async || eve.organization_member_list("acme").await.unwrap().len();
    assert!(list().await > 2);
    is(&given(&world, "eve", &["own", "less"]).await, 200);
    check("less", "any organization_member:read", false).await;
    check("less", "own workspace:delete", false).await;
    check("less", "own workspace:read", true).await;
    assert_eq!(list().await, 0);
    change("less", &["organization_member:read"], &[]).await;
    check("its change", "own workspace:delete", true).await;
    assert!(list().await > 2);

    // What every member holds.
    is(&given(&world, "eve", &[]).await, 200);
    check("taking", "any chat:delete", false).await;
    is(&defaults(&world, &world.cast.owner, &["own"]).await, 200);
    check("defaults", "any chat:delete", true).await;
    check("defaults", "own workspace:delete", false).await;
    is(
        &ask(
            &world,
            &world.cast.owner,
            "DELETE",
            &format!("{ROLES}/own"),
            &Value::Null,
        )
        .await,
        204,
    );
    check("deletion", "any chat:delete", false).await;
}

#[tokio::test]
async fn a_role_that_is_deleted_is_held_by_nobody_and_does_not_come_back() {
    let world = world().await;
    let owner = &world.cast.owner;
    made(&world, "helper", &["group:create"], &[]).await;
    let answer = given(&world, "ada", &["organization-auditor", "helper", "helper"]).await;
    is(&answer, 200);
    let shown = json!([
        {"name": "organization-auditor", "display_name": "Organization Auditor"},
        {"name": "helper", "display_name": "The helper"},
    ]);
    assert_eq!(answer.json()["roles"], shown);
    let listed = get(&world, owner, "/organizations/acme/members")
        .await
        .json();
    assert_eq!(listed[0]["roles"], shown);
    let answer = defaults(
        &world,
        owner,
        &["helper", "organization-workspace-access", "helper"],
    )
    .await;
    is(&answer, 200);
    let expected = json!(["helper", "organization-workspace-access"]);
    assert_eq!(answer.json()["default_org_member_roles"], expected);

    let answer = ask(
        &world,
        owner,
        "DELETE",
        &format!("{ROLES}/HELPER"),
        &Value::Null,
    )
    .await;
    is(&answer, 204);
    let gone = lines(&world, answer.request_id()).await;
    let mut kinds: Vec<_> = gone
        .iter()
        .map(|line| line.resource_type.as_str())
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        ["assign_org_role", "organization", "organization_member"]
    );
    made(&world, "helper", &["group:create"], &[]).await;
    let roles = get(&world, owner, "/users/ada/roles").await.json();
    let acme = world.cast.organization_id.to_string();
    assert_eq!(
        roles["organization_roles"][acme],
        json!(["organization-auditor"])
    );
    let organization = get(&world, owner, "/organizations/acme").await.json();
    assert_eq!(
        organization["default_org_member_roles"],
        json!(["organization-workspace-access"])
    );
    assert!(!may(&world, &world.cast.member, "any group:create").await);
}
