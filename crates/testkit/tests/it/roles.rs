//! Custom roles over HTTP: made, listed, changed, given and deleted, and what each step does to their holders.

use bursar::demo::{self, Person as Member};
use bursar_sdk::Client;
use serde_json::{Value, json};
use testkit::World;

use crate::{
    scenes::{play, scenes},
    support::{Answer, ask, get, is, lines, member, person, roles, site, world},
};

pub(crate) const ROLES: &str = "/organizations/acme/members/roles";

/// One permission as it is written: `group:read`, or `!group:read` for a negative one.
fn permission(text: &str) -> Value {
    let negate = text.starts_with('!');
    let (resource_type, action) = text.trim_start_matches('!').split_once(':').unwrap();
    json!({"negate": negate, "resource_type": resource_type, "action": action})
}

/// A role that holds these on everything in the organization, and these on its holder's own.
pub(crate) fn role(name: &str, org: &[&str], own: &[&str]) -> Value {
    let list = |texts: &[&str]| texts.iter().map(|text| permission(text)).collect::<Value>();
    json!({
        "name": name, "display_name": format!("The {name}"),
        "site_permissions": [], "user_permissions": null,
        "organization_permissions": list(org), "organization_member_permissions": list(own),
    })
}

/// Asks, checks the status, and hands the answer on.
pub(crate) async fn does(
    world: &World,
    caller: &Client,
    (method, path): (&str, &str),
    body: &Value,
    status: u16,
) -> Answer {
    let answer = ask(world, caller, method, path, body).await;
    is(&answer, status);
    answer
}

/// Makes a role in the cast's organization, as the owner.
pub(crate) async fn made(world: &World, name: &str, org: &[&str], own: &[&str]) {
    let body = role(name, org, own);
    is(
        &ask(world, &world.cast.owner, "POST", ROLES, &body).await,
        200,
    );
}

/// Gives somebody these roles in the cast's organization, as the owner.
pub(crate) async fn given(world: &World, to: &str, names: &[&str]) -> Answer {
    let path = format!("/organizations/acme/members/{to}/roles");
    ask(
        world,
        &world.cast.owner,
        "PUT",
        &path,
        &json!({"roles": names}),
    )
    .await
}

/// Makes these the roles of every member of the cast's organization.
pub(crate) async fn defaults(world: &World, caller: &Client, names: &[&str]) -> Answer {
    let body = json!({"default_org_member_roles": names});
    ask(world, caller, "PATCH", "/organizations/acme", &body).await
}

/// A person in the cast's organization; who acts by token only would be a service account.
pub(crate) async fn human(world: &World, name: &str) -> Member {
    let acme = world.cast.organization_id;
    demo::member_of(&world.cast.owner, name, acme)
        .await
        .unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap()).collect()
}

const BUILT_IN: [&str; 5] = [
    "organization-admin",
    "organization-auditor",
    "organization-user-admin",
    "organization-workspace-creation-ban",
    "organization-workspace-access",
];

/// What the only audit line of a request says, and about whom.
async fn recorded(world: &World, answer: &Answer) -> (String, Value) {
    let mut lines = lines(world, answer.request_id()).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = lines.remove(0);
    (line.resource_target, json!(line.diff))
}

#[tokio::test]
async fn a_role_is_made_changed_and_deleted() {
    let world = world().await;
    let owner = &world.cast.owner;
    let body = role("Helper", &["group:read", "!group:update"], &["chat:delete"]);
    let answer = does(&world, owner, ("POST", ROLES), &body, 200).await;
    let mut expected = body.clone();
    expected["organization_id"] = json!(world.cast.organization_id);
    expected["user_permissions"] = json!([]);
    assert_eq!(answer.json(), expected);
    let (target, diff) = recorded(&world, &answer).await;
    let held = &body["organization_permissions"];
    assert_eq!(
        (target.as_str(), &diff["org_permissions"]["new"]),
        ("Helper", held)
    );

    let change = role("hELPER", &[], &["chat:read", "chat:read"]);
    let answer = does(&world, owner, ("PUT", ROLES), &change, 200).await;
    expected["display_name"] = json!("The hELPER");
    expected["organization_permissions"] = json!([]);
    expected["organization_member_permissions"] = json!([permission("chat:read")]);
    assert_eq!(answer.json(), expected);
    let (target, diff) = recorded(&world, &answer).await;
    let (old, new) = (
        &diff["org_permissions"]["old"],
        &diff["org_permissions"]["new"],
    );
    assert_eq!((target.as_str(), old, new), ("Helper", held, &json!([])));

    let path = format!("{ROLES}/helper");
    let answer = does(&world, owner, ("DELETE", &path), &Value::Null, 204).await;
    assert_eq!(recorded(&world, &answer).await.0, "Helper");
    let answer = does(&world, owner, ("DELETE", &path), &Value::Null, 404).await;
    let said = "No custom role with the name helper found";
    assert_eq!(answer.message(), said);
    assert_eq!(names(&get(&world, owner, ROLES).await.json()), BUILT_IN);
}

#[tokio::test]
async fn the_roles_there_are_to_be_given_are_listed() {
    let world = world().await;
    let body = role("Helper", &["group:read"], &["!chat:delete"]);
    let made = does(&world, &world.cast.owner, ("POST", ROLES), &body, 200).await;
    let listed = get(&world, &world.cast.owner, ROLES).await.json();
    // What comes with membership is not among them.
    assert_eq!(names(&listed), [&BUILT_IN[..], &["Helper"]].concat());
    let mut expected = made.json();
    expected["assignable"] = json!(true);
    expected["built_in"] = json!(false);
    assert_eq!(listed[5], expected);
    let first = &listed[0];
    assert_eq!(first["organization_id"], json!(world.cast.organization_id));
    assert_eq!(first["site_permissions"], json!([permission("user:read")]));
    assert_eq!(
        (&first["built_in"], &first["assignable"]),
        (&json!(true), &json!(true))
    );
    let seen = get(&world, &world.cast.member, ROLES).await.json();
    assert_eq!(names(&seen), names(&listed));
    let mut rows = seen.as_array().unwrap().iter();
    assert!(rows.all(|row| row["assignable"] == json!(false)), "{seen}");
}

/// Section 4.4 of the reference, row by row; what follows is the message, then the detail.
const REFUSED: &str = r#"
    400 POST <roles> {"name": "organization-admin", "site_permissions": [<p>]} => Reserved role name / "organization-admin" is a reserved role name, and not allowed to be used
    400 POST <roles> {"name": "OWNER"} => Reserved role name / "OWNER" is a reserved role name, and not allowed to be used
    400 POST <roles> {"name": "Organization-Member"} => Reserved role name / "Organization-Member" is a reserved role name, and not allowed to be used
    400 POST <roles> {"name": "Organization-of-tomorrow"} => Reserved role name / "Organization-of-tomorrow" is a reserved role name, and not allowed to be used
    400 PUT <roles> {"name": "organization-service-account"} => Reserved role name / "organization-service-account" is a reserved role name, and not allowed to be used
    400 DELETE <roles>/organization-member => Reserved role name / "organization-member" is a reserved role name, and not allowed to be used
    400 POST <roles> {"name": "a--b", "site_permissions": [<p>]} => Invalid role name / the name must be letters and digits, with single hyphens between them
    400 POST <roles> {"name": ""} => Invalid role name / the name must be between 1 and 32 characters
    400 POST <roles> {"name": "a:b"} => Invalid role name / the name must be letters and digits, with single hyphens between them
    400 DELETE <roles>/- => Invalid role name / the name must be letters and digits, with single hyphens between them
    400 POST <roles> {"name": "x", "site_permissions": [<p>], "user_permissions": [<p>]} => Invalid request, not allowed to assign site wide permissions for an organization role.
    400 PUT <roles> {"name": "x", "user_permissions": [<p>]} => Invalid request, not allowed to assign user permissions for an organization role.
    404 PUT <roles> {"name": "x"} => No custom role with the name x found
    404 DELETE <roles>/x => No custom role with the name x found
    400 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "spaceship", "action": "read"}]} => Failed to update role permissions / invalid role: invalid resource type "spaceship"
    400 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "group", "action": "ssh"}]} => Failed to update role permissions / invalid role: invalid action "ssh" for resource "group"
    400 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "*", "action": "read"}]} => Failed to update role permissions / invalid permission `*:read`, no wildcard symbols
    400 POST <roles> {"name": "x", "organization_member_permissions": [{"resource_type": "chat", "action": "*"}]} => Failed to update role permissions / invalid permission `chat:*`, no wildcard symbols
    400 POST <roles> {"name": "x", "organization_permissions": [{"resource_type": "api_key", "action": "read"}]} => Failed to update role permissions / invalid permission `api_key:read`, it can never match: it belongs to no organization
    400 POST <roles> {"name": "x", "organization_member_permissions": [{"resource_type": "group", "action": "read"}]} => Failed to update role permissions / invalid permission `group:read`, it can never match: nobody owns it
    200 POST <roles> {"name": "x", "organization_permissions": [<p>], "organization_member_permissions": [{"resource_type": "chat", "action": "read", "negate": true}]}
    409 POST <roles> {"name": "X"} => A role with this name already exists.
    200 PUT <roles> {"name": "x", "organization_permissions": [{"resource_type": "spaceship", "action": "read"}, <p>, {"resource_type": "group", "action": "ssh"}]}
    400 PUT <roles> {"name": "x", "organization_permissions": [{"resource_type": "group", "action": "*"}]} => Failed to update role permissions / invalid permission `group:*`, no wildcard symbols
    400 POST <roles> {"name": "y", "display_name": "a\u0000b"} => Validation failed.
    400 POST <roles> {"name": "y", "display_name": "a\u001b[2Jb"} => Validation failed.
    400 POST <roles> {"name": 5} => Validation failed.
    400 POST <roles> {"name": "y", "organization_permissions": [5]} => Validation failed.
    404 POST /organizations/nowhere/members/roles {"name": "y"} => Resource not found or you do not have access to this resource
"#;

#[tokio::test]
async fn what_a_role_cannot_be_is_said_in_the_order_that_existing_clients_know() {
    let world = world().await;
    let owner = &world.cast.owner;
    let read = permission("group:read");
    for scene in scenes(&world, &[("<roles>", &ROLES), ("<p>", &read)], REFUSED) {
        let answer = play(&world, owner, &scene).await;
        if scene.status == 200 {
            continue;
        }
        let mut said = answer.message();
        if let Some(detail) = answer.json()["detail"].as_str() {
            said = format!("{said} / {detail}");
        }
        assert_eq!(said, scene.expected, "{}", scene.line);
    }
    let listed = get(&world, owner, ROLES).await.json();
    assert_eq!(listed[5]["organization_permissions"], json!([read]));
    let many = |count: usize| {
        let mut body = role("many", &[], &["chat:read"]);
        body["organization_permissions"] = vec![read.clone(); count].into();
        body
    };
    let answer = ask(&world, owner, "POST", ROLES, &many(1000)).await;
    is(&answer, 400);
    assert_eq!(answer.fields(), ["organization_permissions"]);
    is(&ask(&world, owner, "POST", ROLES, &many(999)).await, 200);
}

/// What each may do about roles: list, make, change and delete one, list the site's.
#[tokio::test]
async fn each_does_with_roles_what_their_own_roles_say() {
    let world = world().await;
    let beta = json!({"name": "beta"});
    is(
        &ask(&world, &world.cast.owner, "POST", "/organizations", &beta).await,
        201,
    );
    let elsewhere = person(&world, "elsewhere", &[]).await;
    let owner = &world.cast.owner;
    owner
        .organization_member_create("beta", elsewhere.id)
        .await
        .unwrap();
    let admin = roles(&["organization-admin"]);
    let promoted = owner.organization_member_roles_update("beta", elsewhere.id, &admin);
    promoted.await.unwrap();
    let boss = member(&world, "boss", &["organization-admin"]).await.client;
    let helper = member(&world, "helper", &["organization-user-admin"])
        .await
        .client;
    let manager = site(&world, "user-admin").await.client;
    let auditor = site(&world, "auditor").await.client;
    let outsider = person(&world, "outsider", &[]).await.client;
    let rows: [(&str, &Client, [u16; 5]); 8] = [
        ("owner", owner, [200, 200, 200, 204, 200]),
        ("organization-admin", &boss, [200, 200, 200, 204, 200]),
        (
            "organization-user-admin",
            &helper,
            [200, 404, 404, 403, 200],
        ),
        ("user-admin", &manager, [200, 404, 404, 403, 200]),
        ("auditor", &auditor, [200, 404, 404, 403, 200]),
        ("member", &world.cast.member, [200, 404, 404, 403, 200]),
        (
            "admin elsewhere",
            &elsewhere.client,
            [404, 404, 404, 404, 200],
        ),
        ("nobody's member", &outsider, [404, 404, 404, 404, 200]),
    ];
    for (who, caller, expected) in rows {
        let body = role("trial", &["group:read"], &[]);
        let path = format!("{ROLES}/trial");
        let mut seen = vec![get(&world, caller, ROLES).await.status];
        seen.push(ask(&world, caller, "POST", ROLES, &body).await.status);
        // The others find one that somebody else made.
        ask(&world, owner, "POST", ROLES, &body).await;
        seen.push(ask(&world, caller, "PUT", ROLES, &body).await.status);
        seen.push(
            ask(&world, caller, "DELETE", &path, &Value::Null)
                .await
                .status,
        );
        seen.push(get(&world, caller, "/users/roles").await.status);
        assert_eq!(seen, expected, "{who}");
    }
    let site = get(&world, owner, "/users/roles").await.json();
    assert_eq!(names(&site), ["owner", "auditor", "user-admin"]);
    assert_eq!(
        (&site[0]["built_in"], &site[0]["assignable"]),
        (&json!(true), &json!(true))
    );
    assert!(site[0].get("organization_id").is_none());
    let site = get(&world, &manager, "/users/roles").await.json();
    assert_eq!(site[0]["assignable"], json!(false));
}
