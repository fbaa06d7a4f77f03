//! Accounts over HTTP: made, found, listed, stopped, removed; their names and roles.

use bursar_sdk::{CreateTokenRequest, UserStatus};
use futures_util::future::join_all;
use serde_json::json;

use crate::scenes::play_all;
use crate::support::{ask, ask_text, get, is, member, person, refused, world};

#[tokio::test]
async fn accounts_are_made_found_stopped_and_removed() {
    let world = world().await;
    let owner = &world.cast.owner;
    let body = json!({
        "email": "Grace@example.com", "username": "Grace", "name": "Grace Hopper",
        "password": "", "login_type": "none", "organization_ids": [world.cast.organization_id],
        "user_status": null, "theme": {"more": [1]},
    });
    let made = ask(&world, owner, "POST", "/users", &body).await;
    is(&made, 201);
    let made = made.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let expected = json!({
        "id": id, "username": "Grace", "email": "Grace@example.com", "name": "Grace Hopper",
        "status": "active", "login_type": "none", "roles": [], "avatar_url": "",
        "organization_ids": [world.cast.organization_id],
        "created_at": made["created_at"], "updated_at": made["updated_at"],
    });
    assert_eq!(made, expected);
    for name in [&id, &id.to_uppercase(), "Grace", "grace", "GRACE"] {
        let found = get(&world, owner, &format!("/users/{name}")).await;
        assert_eq!(found.json()["id"], made["id"]);
    }
    let me = get(&world, owner, "/users/me").await.json();
    assert_eq!(
        me["roles"],
        json!([{"name": "owner", "display_name": "Owner"}])
    );
    let taken = r#"
        409 POST /users {"email": "x@y", "username": "gRACE", "login_type": "none", "organization_ids": []} => username
        409 POST /users {"email": "gRACE@example.com", "username": "x", "login_type": "none", "organization_ids": []} => email
    "#;
    play_all(&world, owner, &[], taken).await;

    let token = CreateTokenRequest::default();
    let token = owner.api_key_create("grace", &token).await.unwrap().key;
    let grace = owner.with_token(token.clone());
    assert_eq!(grace.user_get("me").await.unwrap().username, "Grace");
    assert_eq!(
        owner.user_suspend("grace").await.unwrap().status,
        UserStatus::Suspended
    );
    let stopped = refused(grace.user_get("me").await, 401);
    assert!(stopped.message.contains("suspended"));
    let chat = testkit::world::chat_request("gpt-4o");
    let chat = world.chat(&world.server, &token, &chat).await.unwrap();
    assert_eq!(chat.status(), 401);
    assert_eq!(
        owner.user_activate("grace").await.unwrap().status,
        UserStatus::Active
    );
    grace.user_get("me").await.unwrap();

    assert_eq!(
        owner.user_delete("grace").await.unwrap().message,
        "User has been deleted!"
    );
    refused(grace.user_get("me").await, 401);
    refused(owner.user_get("grace").await, 404);
    refused(owner.user_get(&id).await, 404);
    refused(owner.user_delete(&id).await, 404);
    // The name and the address are free again.
    is(&ask(&world, owner, "POST", "/users", &body).await, 201);
}

#[tokio::test]
async fn names_are_checked_and_one_of_many_gets_a_name() {
    let world = world().await;
    let owner = &world.cast.owner;
    let user = |username: &str| {
        json!({
            "email": format!("{}@example.com", username.to_lowercase()),
            "username": username, "login_type": "none", "organization_ids": null,
        })
    };
    for good in ["a", "0", "A-1-b", &"x".repeat(32)] {
        is(
            &ask(&world, owner, "POST", "/users", &user(good)).await,
            201,
        );
    }
    let long = "x".repeat(33);
    for bad in [
        "", "-a", "a-", "a--b", "a_b", "a.b", "a b", "ä", "me", "ME", &long,
    ] {
        let mut body = user(bad);
        body["email"] = json!("someone@example.com");
        let answer = ask(&world, owner, "POST", "/users", &body).await;
        assert_eq!(
            (answer.status, answer.fields()),
            (400, vec!["username".to_owned()]),
            "{bad}"
        );
    }
    let same = user("twin");
    let attempts = join_all((0..12).map(|_| ask(&world, owner, "POST", "/users", &same))).await;
    let mut statuses: Vec<u16> = attempts.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (201, &[409; 11][..]));

    // An account without a way to sign in has no password, another needs one.
    let mut body = user("pat");
    body["login_type"] = json!("password");
    for (password, status) in [
        (json!(null), 400),
        (json!("short"), 400),
        (json!("x".repeat(10_000)), 400),
        (json!("long enough"), 201),
    ] {
        body["password"] = password;
        is(&ask(&world, owner, "POST", "/users", &body).await, status);
    }
    for (login_type, field) in [
        ("oidc", "password"),
        ("none", "password"),
        ("github", "login_type"),
    ] {
        body["login_type"] = json!(login_type);
        let refused = ask(&world, owner, "POST", "/users", &body).await;
        assert_eq!(
            (refused.status, refused.fields()),
            (400, vec![field.to_owned()]),
            "{login_type}"
        );
    }
}

#[tokio::test]
async fn lists_of_people_are_searched_and_paged() {
    let world = world().await;
    let owner = &world.cast.owner;
    for name in ["bea", "cid", "dee"] {
        person(&world, name, &[]).await;
    }
    owner.user_suspend("cid").await.unwrap();
    let rows: &[(&str, &[&str], u64)] = &[
        ("", &["ada", "bea", "cid", "dee", "owner"], 5),
        (
            "?q=&limit=&offset=",
            &["ada", "bea", "cid", "dee", "owner"],
            5,
        ),
        ("?limit=2", &["ada", "bea"], 5),
        ("?limit=2&offset=3", &["dee", "owner"], 5),
        ("?offset=4294967295", &[], 5),
        ("?q=BEA", &["bea"], 1),
        ("?q=bea@example", &["bea"], 1),
        ("?q=%25", &[], 0),
        ("?q=_", &[], 0),
        ("?q=%5C", &[], 0),
        ("?q='%20OR%20true--", &[], 0),
        ("?q=status:suspended", &["cid"], 1),
        ("?q=status:active%20e", &["ada", "bea", "dee", "owner"], 4),
        ("?unknown=1", &["ada", "bea", "cid", "dee", "owner"], 5),
    ];
    for (query, expected, count) in rows {
        let answer = get(&world, owner, &format!("/users{query}")).await;
        is(&answer, 200);
        let body = answer.json();
        let users = body["users"].as_array().unwrap().iter();
        let names: Vec<_> = users
            .map(|user| user["username"].as_str().unwrap())
            .collect();
        assert_eq!(
            (names.as_slice(), body["count"].as_u64()),
            (*expected, Some(*count)),
            "{query}"
        );
    }
    for bad in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "offset=-1",
        "offset=4294967296",
        "limit=x",
        "limit=1.5",
        "q=status:x",
        "q=%00",
        "limit=1&limit=2",
    ] {
        is(&get(&world, owner, &format!("/users?{bad}")).await, 400);
    }
    // A member sees itself, whoever may read people sees them all.
    let mine = get(&world, &world.cast.member, "/users").await.json();
    assert_eq!(
        (mine["count"].as_u64(), &mine["users"][0]["username"]),
        (Some(1), &json!("ada"))
    );
    let admin = member(&world, "boss", &["organization-admin"]).await;
    assert_eq!(
        get(&world, &admin.client, "/users").await.json()["count"],
        6
    );
}

#[tokio::test]
async fn the_roles_of_a_person_are_told_as_existing_clients_expect() {
    let world = world().await;
    let boss = member(&world, "boss", &["organization-admin"]).await;
    let acme = world.cast.organization_id.to_string();
    let owner = &world.cast.owner;
    let given = json!({"roles": ["auditor", "member", "auditor"]});
    let answer = ask(&world, owner, "PUT", "/users/boss/roles", &given).await;
    is(&answer, 200);
    assert_eq!(
        answer.json()["roles"],
        json!([{"name": "auditor", "display_name": "Auditor"}])
    );
    let expected =
        json!({"roles": ["auditor"], "organization_roles": {acme: ["organization-admin"]}});
    assert_eq!(
        get(&world, &boss.client, "/users/me/roles").await.json(),
        expected
    );
    is(
        &get(&world, &world.cast.member, "/users/boss/roles").await,
        404,
    );
    for (body, status) in [
        (json!({"roles": ["nonsense"]}), 403),
        (json!({"roles": ["organization-admin"]}), 403),
        (json!({"roles": ["a\0"]}), 403),
        (json!({"roles": [""]}), 403),
        (json!({"roles": "owner"}), 400),
        (json!({}), 400),
        (json!({"roles": null}), 200),
    ] {
        is(
            &ask(&world, owner, "PUT", "/users/boss/roles", &body).await,
            status,
        );
    }
    assert_eq!(
        get(&world, owner, "/users/boss").await.json()["roles"],
        json!([])
    );
    is(
        &ask_text(
            &world,
            owner,
            "PUT",
            "/users/boss/roles",
            Vec::from(*b"\xff"),
        )
        .await,
        400,
    );
    assert_eq!(
        get(&world, owner, "/users/nobody/roles").await.json()["message"],
        json!("Resource not found or you do not have access to this resource")
    );
}
