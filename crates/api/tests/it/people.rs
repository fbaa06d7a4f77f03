//! People over HTTP: signing in and out, and the shapes that existing clients read.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;

use crate::world::{GROUP, MEMBER, ORG, OWNER, PASSWORD, STRANGER, World};

#[tokio::test]
async fn signing_in_gives_a_token_and_a_cookie() {
    let world = World::new();
    let hash = world.state.auth.passwords.hash(PASSWORD).await.unwrap();
    world.store.state().hashes.insert(MEMBER, hash);
    let login = async |email: &str, password: &str| {
        let body = json!({"email": email, "password": password}).to_string();
        world.ask(None, "POST", "/api/v2/users/login", &body).await
    };
    let wrong = login("max@example.com", "wrong").await;
    let unknown = login("nobody@example.com", "wrong").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!((wrong.status, &wrong.text), (unknown.status, &unknown.text));

    let answer = login("MAX@example.com", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let token = answer.json()["session_token"].as_str().unwrap().to_owned();
    let cookie = answer.headers[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .to_owned();
    for part in [
        &format!("bursar_session={token}"),
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let bearer = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        request.body(Body::empty()).unwrap()
    };
    let me = world.send(bearer("GET", "/api/v2/users/me")).await;
    assert_eq!(me.json()["username"], "max");
    let out = world.send(bearer("POST", "/api/v2/users/logout")).await;
    assert_eq!(
        (out.status, out.message().as_str()),
        (StatusCode::OK, "Logged out!")
    );
    let after = world.send(bearer("GET", "/api/v2/users/me")).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn shapes_are_those_that_existing_clients_read() {
    let world = World::new();
    let me = world.get(Some(OWNER), "/api/v2/users/me").await.json();
    assert_eq!(
        me["roles"],
        json!([{"name": "owner", "display_name": "Owner"}])
    );
    assert_eq!(me["organization_ids"], json!([ORG]));
    assert_eq!(
        (&me["status"], &me["login_type"]),
        (&json!("active"), &json!("password"))
    );

    let users = world
        .get(Some(OWNER), "/api/v2/users?limit=2&q=")
        .await
        .json();
    assert_eq!(users["count"], 3);
    let bad = world.get(Some(OWNER), "/api/v2/users?limit=0").await;
    assert_eq!(bad.message(), "Query parameters have invalid values.");

    let organizations = world
        .get(Some(MEMBER), "/api/v2/organizations")
        .await
        .json();
    assert_eq!(organizations[0]["is_default"], true);
    let groups = world
        .get(Some(OWNER), "/api/v2/organizations/acme/groups")
        .await
        .json();
    assert_eq!(groups[0]["id"], GROUP.to_string());
    assert_eq!(groups[0]["members"][0]["username"], "max");
    let members = world
        .get(Some(OWNER), "/api/v2/organizations/default/members")
        .await
        .json();
    assert_eq!(members.as_array().map(Vec::len), Some(2));
    let roles = world
        .get(Some(OWNER), "/api/v2/users/max/roles")
        .await
        .json();
    assert_eq!(
        roles,
        json!({"roles": [], "organization_roles": {ORG.to_string(): []}})
    );
}

#[tokio::test]
async fn tokens_are_shown_once_and_belong_to_somebody() {
    let world = World::new();
    let tokens = "/api/v2/users/me/keys/tokens";
    let body = r#"{"token_name": "ci", "lifetime": 86400000000000, "scopes": ["user:read"]}"#;
    let made = world.ask(Some(MEMBER), "POST", tokens, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let list = world.get(Some(MEMBER), tokens).await;
    assert!(
        !list.text.contains(key.split('-').nth(1).unwrap()),
        "the secret is shown again"
    );
    let listed = &list.json()[0];
    assert_eq!(listed["lifetime_seconds"], 86_400);
    assert_eq!(listed["scopes"], json!(["user:read"]));
    let id = listed["id"].as_str().unwrap();
    let check = async |who, user: &str, status: u16| {
        let path = format!("/api/v2/users/{user}/keys/{id}");
        let answer = world.ask(Some(who), "DELETE", &path, "").await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{who} {user}: {}",
            answer.text
        );
    };
    check(STRANGER, "me", 404).await;
    check(OWNER, "olga", 404).await;
    check(MEMBER, "me", 204).await;
    check(MEMBER, "me", 404).await;
}
