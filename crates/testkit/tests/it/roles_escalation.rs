//! Attempts to get more by roles than was given: each is refused, and leaves everything as it was.

use std::fmt::Display;

use bursar::demo::PASSWORD;
use bursar_sdk::Client;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::World;

use crate::{
    roles::{ROLES, defaults, does, given, human, made, role},
    scenes::{play, scenes},
    support::{ask, get, is, member, site, world},
};

/// Plays scenes; what stands after `=>` is a part of the answer.
async fn play_told(world: &World, caller: &Client, more: &[(&str, &dyn Display)], text: &str) {
    for scene in scenes(world, more, text) {
        let answer = play(world, caller, &scene).await;
        let told = answer.text.replace("\\\"", "\"");
        assert!(told.contains(&scene.expected), "{}: {told}", scene.line);
    }
}

/// Everything about the roles of the cast's organization, to see that it stayed.
async fn snapshot(world: &World) -> Value {
    let owner = &world.cast.owner;
    json!([
        get(world, owner, ROLES).await.json(),
        get(world, owner, "/organizations/acme/members")
            .await
            .json(),
        get(world, owner, "/organizations/acme").await.json(),
    ])
}

/// May do everything with roles, and holds nothing worth granting: `strong` holds more, `bound` takes away.
const BY_A_MAKER_OF_ROLES: &str = r#"
    400 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "organization", "action": "update"}]} => invalid permission `organization:update`, not allowed to grant this permission
    400 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "workspace", "action": "read"}]} => not allowed to grant
    400 POST <roles> {"name": "x", "organization_member_permissions": [{"resource_type": "chat", "action": "delete"}]} => not allowed to grant
    400 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "organization", "action": "update", "negate": true}]} => invalid permission `!organization:update`, not allowed to grant
    400 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "*", "action": "*"}]} => no wildcard symbols
    400 POST <roles> {"name": "x", "site_permissions": [{"resource_type": "user", "action": "read"}]} => site wide
    400 POST <roles> {"name": "Organization-Admin"} => Reserved role name
    400 POST <roles> {"name": "ORGANIZATION-MEMBER"} => Reserved role name
    409 POST <roles> {"name": "STRONG"} => A role with this name already exists.
    400 PUT <roles> {"name": "maker", "organization_permissions": [{"resource_type": "organization", "action": "update"}]} => not allowed to grant
    400 PUT <roles> {"name": "strong", "organization_permissions": [{"resource_type": "organization", "action": "update"}]} => not allowed to grant
    403 PUT <roles> {"name": "strong"} => The role `strong` is not yours to change
    403 PUT <roles> {"name": "Bound"} => The role `bound` is not yours to change
    403 DELETE <roles>/strong => The role `strong` is not yours to change
    403 DELETE <roles>/bound => The role `bound` is not yours to change
    403 PUT <members>/ada/roles {"roles": ["strong"]} => Not authorized to assign role "strong", which holds organization:update
    403 PUT <members>/ada/roles {"roles": ["organization-admin"]} => Not authorized to assign role "organization-admin"
    403 PUT <members>/ada/roles {"roles": ["STRONG"]} => `STRONG` is not a supported role
    403 PUT <members>/ada/roles {"roles": ["Organization-Admin"]} => `Organization-Admin` is not a supported role
    403 PUT <members>/ada/roles {"roles": ["organization-service-account"]} => `organization-service-account` is not a supported role
    403 PUT <members>/ada/roles {"roles": ["elsewhere"]} => `elsewhere` is not a supported role
    403 PUT <members>/ada/roles {"roles": ["strong:<acme>"]} => Attempt to assign a role "strong:<acme>", remove the ':<organization_id> suffix
    403 PUT <members>/tom/roles {"roles": []} => Not authorized to assign role "strong"
    400 PUT <members>/me/roles {"roles": ["maker", "strong"]} => You cannot change your own organization roles.
    404 PATCH /organizations/acme {"default_org_member_roles": ["strong"]}
    404 POST /organizations/beta/members/roles {"name": "x"}
    404 PUT /organizations/beta/members/roles {"name": "elsewhere"}
    404 DELETE /organizations/beta/members/roles/elsewhere
"#;

#[tokio::test]
async fn who_makes_roles_makes_none_that_hold_more_than_the_maker() {
    let world = world().await;
    let owner = &world.cast.owner;
    let (beta, there) = (json!({"name": "beta"}), "/organizations/beta/members/roles");
    does(&world, owner, ("POST", "/organizations"), &beta, 201).await;
    let elsewhere = role("elsewhere", &["organization:update"], &[]);
    does(&world, owner, ("POST", there), &elsewhere, 200).await;
    let desk = ["create", "read", "update", "delete", "assign", "unassign"];
    let desk = desk.map(|action| format!("assign_org_role:{action}"));
    made(&world, "maker", &desk.each_ref().map(String::as_str), &[]).await;
    made(&world, "strong", &["organization:update"], &[]).await;
    made(&world, "bound", &["!organization:delete"], &[]).await;
    member(&world, "tom", &["strong"]).await;
    let maker = member(&world, "maker", &["maker"]).await;
    let before = snapshot(&world).await;
    let members = "/organizations/acme/members";
    let more: [(&str, &dyn Display); 2] = [("<roles>", &ROLES), ("<members>", &members)];
    play_told(&world, &maker.client, &more, BY_A_MAKER_OF_ROLES).await;
    assert_eq!(snapshot(&world).await, before);
    // Attempts are recorded.
    let log = "/audit?limit=100&user=maker";
    let refused = get(&world, owner, log).await;
    is(&refused, 200);
    let refused = refused.json();
    let rows = refused["audit_logs"].as_array().unwrap().iter();
    assert!(
        rows.filter(|row| row["status_code"] != json!(200)).count() > 10,
        "{refused}"
    );

    // What the maker does hold, the maker may hand on; of their own things that is all.
    let fine = role(
        "fine",
        &["group:read", "!group:read"],
        &["workspace:read", "!workspace:delete"],
    );
    let (ada, give) = (
        "/organizations/acme/members/ada/roles",
        json!({"roles": ["fine"]}),
    );
    does(&world, &maker.client, ("POST", ROLES), &fine, 200).await;
    does(&world, &maker.client, ("PUT", ada), &give, 200).await;
    let fine = format!("{ROLES}/fine");
    does(&world, &maker.client, ("DELETE", &fine), &Value::Null, 204).await;
}

/// May set up the organization and give roles, but holds less than `strong`.
const BY_WHO_SETS_UP: &str = r#"
    403 PATCH /organizations/acme {"default_org_member_roles": ["strong"]} => Not authorized to assign role "strong", which holds group:delete
    400 PATCH /organizations/acme {"default_org_member_roles": ["Strong"]} => Invalid default_org_member_roles entry.
    400 PATCH /organizations/acme {"default_org_member_roles": ["nonsense"]} => Invalid default_org_member_roles entry.
    400 PATCH /organizations/acme {"default_org_member_roles": ["auditor"]} => `auditor` is no role that members
    400 PATCH /organizations/acme {"default_org_member_roles": ["organization-member"]} => Invalid default_org_member_roles entry.
    400 PATCH /organizations/acme {"default_org_member_roles": ["organization-service-account"]} => Invalid default_org_member_roles entry.
    400 PATCH /organizations/acme {"default_org_member_roles": ["weak:<acme>"]} => Invalid default_org_member_roles entry.
    400 PATCH /organizations/acme {"default_org_member_roles": [""]} => Invalid default_org_member_roles entry.
    400 PATCH /organizations/acme {"default_org_member_roles": "weak"} => default_org_member_roles
    200 PATCH /organizations/acme {"default_org_member_roles": ["weak", "organization-workspace-access"]}
    200 PATCH /organizations/acme {"default_org_member_roles": []}
    200 PATCH /organizations/acme {"default_org_member_roles": ["organization-workspace-access"]}
"#;

#[tokio::test]
async fn nobody_gives_every_member_what_they_could_not_give_to_one() {
    let world = world().await;
    let owner = &world.cast.owner;
    made(&world, "strong", &["group:delete"], &[]).await;
    made(&world, "weak", &["group:read"], &[]).await;
    made(&world, "tidy", &[], &["chat:delete"]).await;
    let rights = [
        "organization:update",
        "assign_org_role:assign",
        "assign_org_role:unassign",
    ];
    made(&world, "setter", &rights, &[]).await;
    made(&world, "renamer", &["organization:update"], &[]).await;
    let setter = member(&world, "setter", &["setter"]).await.client;
    play_told(&world, &setter, &[], BY_WHO_SETS_UP).await;
    // Members do not delete chats of their own, so none of them hands that on.
    is(&defaults(&world, &setter, &["tidy"]).await, 403);
    let renamer = member(&world, "renamer", &["renamer"]).await.client;
    is(
        &defaults(&world, &renamer, &["organization-workspace-access"]).await,
        200,
    );
    is(&defaults(&world, &renamer, &["weak"]).await, 404);
    is(&defaults(&world, &renamer, &[]).await, 404);

    // Joining gives them too, and whoever may reset a member's password gains them.
    is(
        &defaults(&world, owner, &["strong", "organization-admin"]).await,
        200,
    );
    is(&defaults(&world, &setter, &["strong"]).await, 200);
    let manager = site(&world, "user-admin").await;
    human(&world, "eve").await;
    let add = format!("/organizations/acme/members/{}", manager.id);
    let body = json!({"email": "x@y.z", "username": "x", "login_type": "none",
        "organization_ids": [world.cast.organization_id]});
    let password = json!({"password": "taken-over-by-me"});
    let by_the_manager = [
        ("POST", add.as_str(), &Value::Null),
        ("POST", "/users", &body),
        ("PUT", "/users/eve/password", &password),
    ];
    is(
        &defaults(&world, owner, &["organization-auditor"]).await,
        200,
    );
    for (method, path, body) in by_the_manager {
        let answer = ask(&world, &manager.client, method, path, body).await;
        is(&answer, 403);
        assert!(
            answer.message().contains("organization-auditor"),
            "{answer:?}"
        );
    }
    is(
        &defaults(&world, owner, &["organization-workspace-access"]).await,
        200,
    );
    // So does whoever may reset the password of who holds a custom role.
    is(&given(&world, "eve", &["setter"]).await, 200);
    let (method, path, body) = by_the_manager[2];
    is(&ask(&world, &manager.client, method, path, body).await, 403);
    is(&given(&world, "eve", &["weak"]).await, 200);
    is(&ask(&world, &manager.client, method, path, body).await, 204);
    let nobody = world.server.nobody();
    let old = crate::support::login(nobody, "eve@example.com", PASSWORD).await;
    assert!(old.is_err());
}

/// The cases of the reference about giving roles, in order A02 and A04; A08, and what it would refuse though the helper
/// holds what the role holds; A05, A07, A10, A11 and A13, A14, A16; A01.
const BY_A_MANAGER: &str = r#"
    403 PUT /users/vic/roles {"roles": ["owner"]} => Not authorized to assign role "owner"
    403 PUT <vic> {"roles": ["organization-admin"]} => Not authorized to assign role "organization-admin"
"#;
const BY_A_HELPER: &str = r#"
    403 PUT <vic> {"roles": ["higher"]} => Not authorized to assign role "higher"
    200 PUT <vic> {"roles": ["custom"]} => "name":"custom"
    200 PUT <vic> {"roles": ["organization-member"]} => "roles":[]
"#;
const BY_A_BOSS: &str = r#"
    200 PUT <vic> {"roles": ["organization-auditor"]} => "name":"organization-auditor"
    200 PUT <vic> {"roles": ["custom"]} => "name":"custom"
    403 PUT <vic> {"roles": ["unheard"]} => `unheard` is not a supported role
    403 PUT <vic> {"roles": ["auditor"]} => `auditor` is not a supported role
    400 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "workspace", "action": "ssh"}]} => invalid permission `workspace:ssh`, not allowed to grant this permission
    200 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "group", "action": "update", "negate": true}]}
    200 PATCH /organizations/acme {"default_org_member_roles": []} => "default_org_member_roles":[]
"#;
const BY_ANYBODY: &str = r#"
    404 PUT <vic> {"roles": ["custom"]}
"#;
const BY_THE_OWNER: &str = r#"
    200 PUT /users/vic/roles {"roles": ["owner"]} => "name":"owner"
"#;

#[tokio::test]
async fn roles_are_given_as_the_reference_says_or_by_who_holds_what_they_hold() {
    let world = world().await;
    made(&world, "custom", &["group:update"], &[]).await;
    made(&world, "higher", &["organization:update"], &[]).await;
    human(&world, "vic").await;
    let vic = "/organizations/acme/members/vic/roles";
    let boss = member(&world, "boss", &["organization-admin"]).await;
    let helper = member(&world, "helper", &["organization-user-admin"]).await;
    let manager = site(&world, "user-admin").await;
    let acts: [(&Client, &str); 5] = [
        (&manager.client, BY_A_MANAGER),
        (&helper.client, BY_A_HELPER),
        (&boss.client, BY_A_BOSS),
        (&world.cast.member, BY_ANYBODY),
        (&world.cast.owner, BY_THE_OWNER),
    ];
    for (caller, scenes) in acts {
        play_told(
            &world,
            caller,
            &[("<vic>", &vic), ("<roles>", &ROLES)],
            scenes,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_makes_a_role_and_none_survives_its_end() {
    let world = world().await;
    let owner = &world.cast.owner;
    human(&world, "eve").await;
    let body = role("helper", &["group:create"], &[]);
    let path = format!("{ROLES}/helper");
    for _ in 0..4 {
        let makes = (0..8).map(|_| ask(&world, owner, "POST", ROLES, &body));
        let mut made: Vec<_> = join_all(makes)
            .await
            .iter()
            .map(|made| made.status)
            .collect();
        made.sort_unstable();
        assert_eq!(made, [200, 409, 409, 409, 409, 409, 409, 409]);
        let gives = ["ada", "eve", "ada", "eve"].map(|name| given(&world, name, &["helper"]));
        let (all, every, gone) = tokio::join!(
            join_all(gives),
            defaults(&world, owner, &["helper"]),
            ask(&world, owner, "DELETE", &path, &Value::Null),
        );
        is(&gone, 204);
        assert!(
            all.iter().all(|given| matches!(given.status, 200 | 403)),
            "{all:?}"
        );
        assert!(matches!(every.status, 200 | 400), "{every:?}");
        let text = snapshot(&world).await.to_string();
        assert!(!text.contains("helper"), "{text}");
    }
}
