//! Workspaces over HTTP: who reaches which route, names, sleep, lists.

use bursar_sdk::{Client, CreateTokenRequest};
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use crate::{
    scenes::play_all,
    support::{Answer, Person, ask, get, is, member, person, world},
};

/// Makes a workspace and returns its address.
pub(crate) async fn workspace(world: &World, owner: &Client, name: &str) -> String {
    let body = json!({"name": name});
    let path = "/organizations/acme/workspaces";
    let made = ask(world, owner, "POST", path, &body).await;
    is(&made, 201);
    format!("/workspaces/{}", made.json()["id"].as_str().unwrap())
}

/// Changes an ACL.
pub(crate) async fn share(world: &World, caller: &Client, path: &str, body: &Value) -> Answer {
    ask(world, caller, "PATCH", &format!("{path}/acl"), body).await
}

/// A token of the same person for these scopes.
pub(crate) async fn narrowed(caller: &Person, scopes: &[&str]) -> Client {
    let body = CreateTokenRequest {
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..Default::default()
    };
    let token = caller.client.api_key_create("me", &body).await.unwrap();
    caller.client.with_token(token.key)
}

async fn group(world: &World, name: &str, people: &[Uuid]) -> String {
    let owner = &world.cast.owner;
    let body = json!({"name": name});
    let made = ask(world, owner, "POST", "/organizations/acme/groups", &body).await;
    is(&made, 201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let body = json!({"add_users": people});
    is(
        &ask(world, owner, "PATCH", &format!("/groups/{id}"), &body).await,
        200,
    );
    id
}

/// The names in a list, and what the list counts.
pub(crate) async fn listed(world: &World, caller: &Client, query: &str) -> (Vec<String>, u64) {
    let path = format!("/organizations/acme/workspaces?{query}");
    let answer = get(world, caller, &path).await;
    is(&answer, 200);
    assert!(!answer.text.contains('@'), "{answer:?}");
    let body = answer.json();
    let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
    let names = body["workspaces"].as_array().unwrap().iter().map(name);
    (names.collect(), body["count"].as_u64().unwrap())
}

/// What each does, one after the other: see it, change it, wake it, see its ACL, change it, end it, delete it.
const ACTS: [(&str, &str, &str); 7] = [
    ("GET", "", ""),
    ("PATCH", "", r#"{"description": "changed"}"#),
    ("PUT", "/dormant", r#"{"dormant": false}"#),
    ("GET", "/acl", ""),
    ("PATCH", "/acl", "{}"),
    ("DELETE", "/acl", ""),
    ("DELETE", "", ""),
];
const ALL: [u16; 7] = [200, 200, 200, 200, 204, 204, 204];
/// Only to use it: what may not be changed looks missing, but for the ACL.
const USE: [u16; 7] = [200, 404, 404, 403, 403, 403, 404];
const NONE: [u16; 7] = [404; 7];

/// One of each kind of caller.
struct Callers {
    world: World,
    /// Owner of the workspaces.
    una: Person,
    /// Shared with by name, to use and as admin.
    named: Person,
    trusted: Person,
    /// In a group that it is shared with, to use and as admin.
    fellow: Person,
    chief: Person,
    /// In the organization, and that is all.
    colleague: Person,
    manager: Person,
    outsider: Person,
    /// Administrator of another organization.
    stranger: Person,
    /// A suspended administrator.
    gone: Person,
    /// Entries for the four above.
    acl: Value,
}

impl Callers {
    async fn new() -> Self {
        let world = world().await;
        let una = member(&world, "una", &["organization-workspace-access"]).await;
        let named = member(&world, "named", &[]).await;
        let trusted = member(&world, "trusted", &[]).await;
        let fellow = member(&world, "fellow", &[]).await;
        let chief = member(&world, "chief", &[]).await;
        let colleague = member(&world, "colleague", &[]).await;
        let manager = member(&world, "manager", &["organization-admin"]).await;
        let gone = member(&world, "gone", &["organization-admin"]).await;
        world.cast.owner.user_suspend(gone.id).await.unwrap();
        let outsider = person(&world, "outsider", &[]).await;
        let stranger = elsewhere(&world).await;
        let users = group(&world, "users", &[fellow.id]).await;
        let chiefs = group(&world, "chiefs", &[chief.id]).await;
        let acl = json!({
            "user_roles": {named.id.to_string(): "use", trusted.id.to_string(): "admin"},
            "group_roles": {&users: "use", &chiefs: "admin"},
        });
        Self {
            world,
            una,
            named,
            trusted,
            fellow,
            chief,
            colleague,
            manager,
            outsider,
            stranger,
            gone,
            acl,
        }
    }
}

/// An administrator of another organization.
async fn elsewhere(world: &World) -> Person {
    let owner = &world.cast.owner;
    let beta = json!({"name": "beta"});
    is(
        &ask(world, owner, "POST", "/organizations", &beta).await,
        201,
    );
    let stranger = person(world, "stranger", &[]).await;
    let join = format!("/organizations/beta/members/{}", stranger.id);
    is(&ask(world, owner, "POST", &join, &Value::Null).await, 200);
    let roles = json!({"roles": ["organization-admin"]});
    is(
        &ask(world, owner, "PUT", &format!("{join}/roles"), &roles).await,
        200,
    );
    stranger
}

/// What each of these gets at workspaces that are shared like this.
async fn play(callers: &Callers, acl: &Value, rows: &[(&str, &Client, [u16; 7])]) {
    let Callers { world, una, .. } = callers;
    for (number, (who, caller, expected)) in rows.iter().enumerate() {
        let path = workspace(world, &una.client, &format!("w{number}")).await;
        is(&share(world, &una.client, &path, acl).await, 204);
        for ((method, rest, body), status) in ACTS.into_iter().zip(expected) {
            let body = serde_json::from_str(body).unwrap_or(Value::Null);
            let answer = ask(world, caller, method, &format!("{path}{rest}"), &body).await;
            let act = format!("{who} {method} {rest}");
            assert_eq!(answer.status, *status, "{act}: {}", answer.text);
            assert!(!answer.text.contains('@'), "{act}: {answer:?}");
        }
        // The next one may have the name.
        let left = ask(world, &una.client, "DELETE", &path, &Value::Null).await;
        assert!(matches!(left.status, 204 | 404), "{left:?}");
    }
}

#[tokio::test]
async fn each_route_is_for_whom_its_row_says() {
    let callers = Callers::new().await;
    // Nobody ends their own entry, and whoever ends that of their group is out.
    let by_name = [200, 200, 200, 200, 204, 400, 404];
    let by_group = [200, 200, 200, 200, 204, 204, 404];
    let rows = [
        ("its owner", &callers.una.client, ALL),
        ("organization admin", &callers.manager.client, ALL),
        ("site owner", &callers.world.cast.owner, ALL),
        ("member", &callers.colleague.client, NONE),
        ("by user, to use", &callers.named.client, USE),
        ("by user, as admin", &callers.trusted.client, by_name),
        ("by group, to use", &callers.fellow.client, USE),
        ("by group, as admin", &callers.chief.client, by_group),
        ("outsider", &callers.outsider.client, NONE),
        ("another's admin", &callers.stranger.client, NONE),
        ("suspended", &callers.gone.client, [401; 7]),
    ];
    play(&callers, &callers.acl, &rows).await;
    let acme = callers.world.cast.organization_id.to_string();
    let everyone = json!({"group_roles": {acme: "use"}});
    let rows = [
        ("member", &callers.colleague.client, USE),
        ("outsider", &callers.outsider.client, NONE),
        ("another's admin", &callers.stranger.client, NONE),
    ];
    play(&callers, &everyone, &rows).await;
}

#[tokio::test]
async fn a_token_reaches_what_its_scopes_say() {
    let callers = Callers::new().await;
    let una = &callers.una;
    let reading = narrowed(una, &["workspace:read"]).await;
    let sharing = narrowed(una, &["workspace:read", "workspace:share"]).await;
    let other = narrowed(una, &["chat:read"]).await;
    let rows = [
        ("to read", &reading, USE),
        ("to share", &sharing, [200, 404, 404, 200, 204, 204, 404]),
        ("for something else", &other, NONE),
    ];
    play(&callers, &callers.acl, &rows).await;
}

#[tokio::test]
async fn making_one_takes_the_right_over_its_owners() {
    let callers = Callers::new().await;
    let una = &callers.una.client;
    let manager = &callers.manager.client;
    let reading = narrowed(&callers.una, &["workspace:read"]).await;
    let makers = [
        ("una", una, "me", 201),
        ("una by name", una, "UNA", 201),
        ("una for another", una, "colleague", 400),
        ("admin for another", manager, "colleague", 201),
        ("admin for nobody", manager, "nobody", 400),
        ("admin for an outsider", manager, "outsider", 400),
        ("admin for a suspended one", manager, "gone", 400),
        ("outsider", &callers.outsider.client, "me", 404),
        (
            "other organization's admin",
            &callers.stranger.client,
            "me",
            404,
        ),
        ("token to read", &reading, "me", 404),
    ];
    for (number, (who, caller, of, status)) in makers.into_iter().enumerate() {
        let body = json!({"name": format!("made-{number}"), "owner": of});
        let path = "/organizations/acme/workspaces";
        let made = ask(&callers.world, caller, "POST", path, &body).await;
        assert_eq!(made.status, status, "{who}: {}", made.text);
    }
}

const HOSTILE: &str = r#"
    400 POST /organizations/acme/workspaces {"name": ""} => name
    400 POST /organizations/acme/workspaces {"name": "a b"} => name
    400 POST /organizations/acme/workspaces {"name": "../x"} => name
    400 POST /organizations/acme/workspaces {"name": "me"} => name
    400 POST /organizations/acme/workspaces {"name": "a\u0000"} => name
    400 POST /organizations/acme/workspaces {"name": "ｐlans"} => name
    400 POST /organizations/acme/workspaces {"name": "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d"} => name
    400 POST /organizations/acme/workspaces {"name": "'; DROP TABLE workspaces; --"} => name
    400 POST /organizations/acme/workspaces {"name": "x", "description": "a\u0000b"} => description
    400 POST /organizations/acme/workspaces {"name": "-", "description": "\u0007"} => name description
    400 POST /organizations/acme/workspaces {"name": "x", "owner": "a b"} => owner
    400 POST /organizations/acme/workspaces {"name": "x", "owner": "\u0000"} => owner
    400 POST /organizations/acme/workspaces {} => name
    400 POST /organizations/acme/workspaces {
    409 POST /organizations/acme/workspaces {"name": "pLANS"} => name
    201 POST /organizations/acme/workspaces {"name": "other", "description": null, "owner": "", "more": 1}
    409 PATCH <it> {"name": "OTHER"} => name
    400 PATCH <it> {"name": "-"} => name
    400 PATCH <it> {"description": "\u0000"} => description
    200 PATCH <it> {"name": "", "description": "<b>it's</b> \"here\""}
    200 PATCH <it> {"name": "PLANS"}
    400 PUT <it>/dormant {} => dormant
    400 PUT <it>/dormant {"dormant": "yes"} => dormant
    400 GET /workspaces/x
    400 GET /workspaces/%00
    400 PATCH /workspaces/plans/acl {}
    404 GET /workspaces/0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d
    400 GET /organizations/acme/workspaces?limit=0 => limit
    400 GET /organizations/acme/workspaces?limit=1001 => limit
    400 GET /organizations/acme/workspaces?offset=-1 => offset
    400 GET /organizations/acme/workspaces?q=%00 => q
    400 GET /organizations/acme/workspaces?owner=a%20b&limit=0 => owner limit
    400 GET /organizations/acme/workspaces?shared=maybe => shared
    404 GET /organizations/nowhere/workspaces
    204 DELETE <it>
    404 GET <it>
    404 DELETE <it>
    404 PATCH <it> {"name": "x"}
    404 PUT <it>/dormant {"dormant": true}
    404 GET <it>/acl
    404 PATCH <it>/acl {}
    404 DELETE <it>/acl
    201 POST /organizations/acme/workspaces {"name": "Plans"}
"#;

#[tokio::test]
async fn what_is_said_of_a_workspace_is_checked() {
    let world = world().await;
    let una = member(&world, "una", &["organization-workspace-access"]).await;
    let path = workspace(&world, &una.client, "Plans").await;
    let made = get(&world, &una.client, &path).await.json();
    let expected = json!({
        "id": made["id"], "name": "Plans", "description": "", "organization_id": world.cast.organization_id,
        "organization_name": "acme", "owner_id": una.id, "owner_username": "una", "owner_name": "",
        "shared": false, "created_at": made["created_at"], "updated_at": made["updated_at"],
    });
    assert_eq!(made, expected);
    play_all(&world, &una.client, &[("<it>", &path)], HOSTILE).await;
    let (names, count) = listed(&world, &una.client, "").await;
    assert_eq!(
        (names, count),
        (vec!["other".to_owned(), "Plans".to_owned()], 2)
    );
}
