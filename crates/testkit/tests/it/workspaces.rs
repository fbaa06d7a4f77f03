//! Workspaces over HTTP: who reaches which route, names, sleep, lists.

use bursar_sdk::{Client, CreateTokenRequest};
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use crate::{
    scenes::play_all,
    support::{Answer, Person, ask, get, is, lines, member, person, world},
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

#[tokio::test]
async fn each_route_is_for_whom_its_row_says() {
    let world = world().await;
    let owner = &world.cast.owner;
    let una = member(&world, "una", &["organization-workspace-access"]).await;
    let [named, trusted, fellow, chief, colleague] = [
        member(&world, "named", &[]).await,
        member(&world, "trusted", &[]).await,
        member(&world, "fellow", &[]).await,
        member(&world, "chief", &[]).await,
        member(&world, "colleague", &[]).await,
    ];
    let manager = member(&world, "manager", &["organization-admin"]).await;
    let outsider = person(&world, "outsider", &[]).await;
    let elsewhere = json!({"name": "beta"});
    is(
        &ask(&world, owner, "POST", "/organizations", &elsewhere).await,
        201,
    );
    let stranger = person(&world, "stranger", &[]).await;
    let join = format!("/organizations/beta/members/{}", stranger.id);
    is(&ask(&world, owner, "POST", &join, &Value::Null).await, 200);
    let beta = json!({"roles": ["organization-admin"]});
    is(
        &ask(&world, owner, "PUT", &format!("{join}/roles"), &beta).await,
        200,
    );
    let gone = member(&world, "gone", &["organization-admin"]).await;
    owner.user_suspend(gone.id).await.unwrap();
    let (users, chiefs) = (
        group(&world, "users", &[fellow.id]).await,
        group(&world, "chiefs", &[chief.id]).await,
    );
    let reading = narrowed(&una, &["workspace:read"]).await;
    let sharing = narrowed(&una, &["workspace:read", "workspace:share"]).await;
    let other = narrowed(&una, &["chat:read"]).await;
    let acl = json!({
        "user_roles": {named.id.to_string(): "use", trusted.id.to_string(): "admin"},
        "group_roles": {&users: "use", &chiefs: "admin"},
    });
    let everyone = json!({"group_roles": {world.cast.organization_id.to_string(): "use"}});
    let rows: [(&str, &Client, &Value, [u16; 7]); 16] = [
        ("its owner", &una.client, &acl, ALL),
        ("organization admin", &manager.client, &acl, ALL),
        ("site owner", owner, &acl, ALL),
        ("member", &colleague.client, &acl, NONE),
        ("by user, to use", &named.client, &acl, USE),
        // Nobody ends their own entry.
        (
            "by user, as admin",
            &trusted.client,
            &acl,
            [200, 200, 200, 200, 204, 400, 404],
        ),
        ("by group, to use", &fellow.client, &acl, USE),
        (
            "by group, as admin",
            &chief.client,
            &acl,
            [200, 200, 200, 200, 204, 204, 404],
        ),
        (
            "member, shared with Everyone",
            &colleague.client,
            &everyone,
            USE,
        ),
        (
            "outsider, shared with Everyone",
            &outsider.client,
            &everyone,
            NONE,
        ),
        (
            "stranger, shared with Everyone",
            &stranger.client,
            &everyone,
            NONE,
        ),
        ("other organization's admin", &stranger.client, &acl, NONE),
        ("suspended", &gone.client, &acl, [401; 7]),
        ("token to read", &reading, &acl, USE),
        (
            "token to share",
            &sharing,
            &acl,
            [200, 404, 404, 200, 204, 204, 404],
        ),
        ("token for something else", &other, &acl, NONE),
    ];
    for (number, (who, caller, acl, expected)) in rows.into_iter().enumerate() {
        let name = format!("w{number}");
        let path = workspace(&world, &una.client, &name).await;
        is(&share(&world, &una.client, &path, acl).await, 204);
        for ((method, rest, body), status) in ACTS.into_iter().zip(expected) {
            let body = serde_json::from_str(body).unwrap_or(Value::Null);
            let answer = ask(&world, caller, method, &format!("{path}{rest}"), &body).await;
            assert_eq!(
                answer.status, status,
                "{who} {method} {rest}: {}",
                answer.text
            );
            assert!(
                !answer.text.contains('@'),
                "{who} {method} {rest}: {answer:?}"
            );
        }
    }
    // Making one needs the right to, and for somebody else the right over theirs.
    let makers = [
        ("una", &una.client, "me", 201),
        ("una by name", &una.client, "UNA", 201),
        ("una for another", &una.client, "colleague", 400),
        ("admin for another", &manager.client, "colleague", 201),
        ("admin for nobody", &manager.client, "nobody", 400),
        ("admin for an outsider", &manager.client, "outsider", 400),
        ("admin for a suspended one", &manager.client, "gone", 400),
        ("outsider", &outsider.client, "me", 404),
        ("other organization's admin", &stranger.client, "me", 404),
        ("token to read", &reading, "me", 404),
    ];
    for (number, (who, caller, of, status)) in makers.into_iter().enumerate() {
        let body = json!({"name": format!("made-{number}"), "owner": of});
        let made = ask(
            &world,
            caller,
            "POST",
            "/organizations/acme/workspaces",
            &body,
        )
        .await;
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

#[tokio::test]
async fn lists_are_full_and_counted_right_for_whoever_asks() {
    let world = world().await;
    let access = &["organization-workspace-access"];
    let una = member(&world, "una", access).await;
    let ben = member(&world, "ben", access).await;
    let outsider = person(&world, "outsider", &[]).await;
    for number in 0..5 {
        let path = workspace(&world, &una.client, &format!("una-{number}")).await;
        let role = if number % 2 == 0 { "use" } else { "" };
        let acl = json!({"user_roles": {ben.id.to_string(): role}});
        is(&share(&world, &una.client, &path, &acl).await, 204);
    }
    workspace(&world, &ben.client, "bens").await;
    let check = async |caller: &Client, query: &str, names: &[&str], count: u64| {
        let found = listed(&world, caller, query).await;
        assert_eq!(
            (found.0, found.1),
            (names.iter().map(ToString::to_string).collect(), count),
            "{query}"
        );
    };
    let shared = ["una-0", "una-2", "una-4"];
    check(&ben.client, "", &["bens", "una-0", "una-2", "una-4"], 4).await;
    check(&ben.client, "limit=2&offset=1", &shared[..2], 4).await;
    check(&ben.client, "limit=2&offset=9", &[], 4).await;
    check(&ben.client, "shared=true", &shared, 3).await;
    check(
        &ben.client,
        "shared=false",
        &["bens", "una-0", "una-2", "una-4"],
        4,
    )
    .await;
    check(&ben.client, "owner=UNA&q=-2", &["una-2"], 1).await;
    check(&ben.client, &format!("owner={}", una.id), &shared, 3).await;
    check(&ben.client, "owner=me", &["bens"], 1).await;
    check(&ben.client, "owner=nobody", &[], 0).await;
    check(&ben.client, "q=%25", &[], 0).await;
    check(&una.client, "shared=true", &[], 0).await;
    // An owner sees everything, and nothing of it is shared with them.
    check(&world.cast.owner, "limit=1", &["bens"], 6).await;
    check(&world.cast.owner, "shared=true", &[], 0).await;
    is(
        &get(&world, &outsider.client, "/organizations/acme/workspaces").await,
        404,
    );
    let flags = get(
        &world,
        &una.client,
        "/organizations/acme/workspaces?owner=me",
    )
    .await
    .json();
    let flags: Vec<_> = flags["workspaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["shared"] == true)
        .collect();
    assert_eq!(flags, [true, false, true, false, true]);
}

#[tokio::test]
async fn what_sleeps_is_its_owners_alone() {
    let world = world().await;
    let una = member(&world, "una", &["organization-workspace-access"]).await;
    let ben = member(&world, "ben", &[]).await;
    let path = workspace(&world, &una.client, "plans").await;
    let acl = json!({"user_roles": {ben.id.to_string(): "admin"}});
    is(&share(&world, &una.client, &path, &acl).await, 204);
    let dormant = format!("{path}/dormant");
    for (asleep, status) in [(true, 404), (true, 404), (false, 200)] {
        let body = json!({"dormant": asleep});
        let answer = ask(&world, &una.client, "PUT", &dormant, &body).await;
        is(&answer, 200);
        assert_eq!(answer.json()["dormant_at"].is_string(), asleep);
        assert_eq!(answer.json()["shared"], !asleep);
        is(&get(&world, &ben.client, &path).await, status);
        assert_eq!(listed(&world, &ben.client, "").await.1, u64::from(!asleep));
        let question = json!({"checks": {"it": {
            "object": {"resource_type": "workspace", "resource_id": path.trim_start_matches("/workspaces/")},
            "action": "share",
        }}});
        let answer = ask(&world, &ben.client, "POST", "/authcheck", &question).await;
        assert_eq!(answer.json()["it"], !asleep);
        // Its owner goes on to share it.
        is(&get(&world, &una.client, &format!("{path}/acl")).await, 200);
    }
}

#[tokio::test]
async fn every_change_of_a_workspace_is_recorded_once() {
    let world = world().await;
    let una = member(&world, "una", &["organization-workspace-access"]).await;
    let [ben, eve] = [
        member(&world, "ben", &[]).await,
        member(&world, "eve", &[]).await,
    ];
    let path = workspace(&world, &una.client, "plans").await;
    let id = |person: &Person| person.id.to_string();
    let acl = |roles: &[(&Person, &str)]| -> Value {
        let roles = roles.iter().map(|(person, role)| (id(person), json!(role)));
        json!({"user_roles": roles.collect::<serde_json::Map<_, _>>()})
    };
    let side = |roles: &[(&Person, &str)]| acl(roles)["user_roles"].clone();
    for (body, old, new) in [
        (
            acl(&[(&ben, "use"), (&eve, "use")]),
            side(&[]),
            side(&[(&ben, "use"), (&eve, "use")]),
        ),
        (
            acl(&[(&ben, "admin"), (&eve, "use")]),
            side(&[(&ben, "use")]),
            side(&[(&ben, "admin")]),
        ),
        (acl(&[(&ben, "")]), side(&[(&ben, "admin")]), side(&[])),
    ] {
        let answer = share(&world, &una.client, &path, &body).await;
        is(&answer, 204);
        let written = lines(&world, answer.request_id()).await;
        let [line] = &written[..] else {
            panic!("{written:?}")
        };
        assert_eq!(line.diff["user_acl"].old, old, "{body}");
        assert_eq!(line.diff["user_acl"].new, new, "{body}");
        assert_eq!(
            (line.resource_type.as_str(), line.resource_target.as_str()),
            ("workspace", "plans")
        );
    }
    // A change that changes nothing is no change.
    for body in [json!({}), acl(&[(&eve, "use"), (&ben, "")])] {
        let answer = share(&world, &una.client, &path, &body).await;
        is(&answer, 204);
        assert_eq!(lines(&world, answer.request_id()).await.len(), 0);
    }
    // An attempt without the right to it is recorded with its status.
    for (caller, body, status) in [
        (&eve.client, acl(&[(&ben, "use")]), 403),
        (&ben.client, acl(&[(&ben, "use")]), 404),
        (&una.client, acl(&[(&una, "use")]), 400),
    ] {
        let answer = share(&world, caller, &path, &body).await;
        is(&answer, status);
        let written = lines(&world, answer.request_id()).await;
        let [line] = &written[..] else {
            panic!("{written:?}")
        };
        assert_eq!(
            (line.status_code, line.resource_type.as_str()),
            (status, "workspace")
        );
    }
}
