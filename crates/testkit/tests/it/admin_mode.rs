//! Admin mode over HTTP: entered by a password, left by itself, and what a token needs instead.

use bursar::demo::PASSWORD;
use bursar_sdk::{
    AdminMode, BeginAdminModeRequest, Client, CreateTokenRequest, UpdateUserPasswordRequest,
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer};

use crate::support::{ask, brief, is, lines, login, refused, request, send, world};

const ADA: &str = "ada@example.com";
const PATH: &str = "/users/me/admin-mode";
const OUT: AdminMode = AdminMode {
    active: false,
    expires_at: None,
};

pub(crate) fn with_password() -> BeginAdminModeRequest {
    BeginAdminModeRequest {
        password: Some(PASSWORD.into()),
    }
}

async fn mode(caller: &Client) -> AdminMode {
    caller.admin_mode_get().await.unwrap()
}

fn token(scopes: &[&str]) -> CreateTokenRequest {
    CreateTokenRequest {
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..CreateTokenRequest::default()
    }
}

#[tokio::test]
async fn a_session_is_in_admin_mode_for_an_hour_on_every_server() {
    let world = world().await;
    let nobody = world.server.nobody();
    let here = login(nobody, ADA, PASSWORD).await.unwrap();
    let there = login(nobody, ADA, PASSWORD).await.unwrap();
    assert_eq!(mode(&here).await, OUT);
    let begun = here.admin_mode_begin(&with_password()).await.unwrap();
    assert!(begun.active);
    let options = ServerOptions::default();
    let second = TestServer::start(&world.database, &options).await.unwrap();
    let replica = second.as_caller(&here);
    for caller in [&here, &replica] {
        assert_eq!(mode(caller).await, begun);
    }
    assert_eq!(mode(&there).await, OUT, "it is of one session");

    world.database.shift_clock("59 minutes").await.unwrap();
    assert_eq!(mode(&here).await, begun);
    world.database.shift_clock("61 minutes").await.unwrap();
    for caller in [&here, &replica] {
        assert_eq!(mode(caller).await, OUT);
    }
    let again = here.admin_mode_begin(&with_password()).await.unwrap();
    let later = again.expires_at.unwrap() - begun.expires_at.unwrap();
    assert!(later >= TimeDelta::minutes(60), "{later}");
    replica.admin_mode_end().await.unwrap();
    assert_eq!(mode(&here).await, OUT);
    here.admin_mode_end().await.unwrap();
}

#[tokio::test]
async fn going_in_and_out_is_in_the_audit_log() {
    let world = world().await;
    let ada = login(world.server.nobody(), ADA, PASSWORD).await.unwrap();
    let (id, _) = ada.token().unwrap().expose().split_once('-').unwrap();
    let id = id.to_owned();
    let check = async |method: &str, body: Value, status: u16, kind: &str| {
        let answer = ask(&world, &ada, method, PATH, &body).await;
        is(&answer, status);
        let found = lines(&world, answer.request_id()).await;
        let briefs: Vec<_> = found.iter().map(brief).collect();
        let target = if status < 300 { "" } else { PATH };
        assert_eq!(briefs.len(), 1, "{briefs:?}");
        assert_eq!(
            briefs[0].trim_end(),
            format!("{kind} api_key {target}").trim_end()
        );
        assert_eq!(found[0].user.as_ref().unwrap().username, "ada");
        assert_eq!(
            found[0].status_code,
            if status < 300 { 200 } else { status }
        );
        found[0].clone()
    };
    let begun = check("POST", json!({"password": PASSWORD}), 200, "write").await;
    assert_eq!(begun.resource_id, id);
    let changed = serde_json::to_value(&begun.diff).unwrap();
    let until = &changed["admin_mode_until"];
    assert!(
        until["old"].is_null() && until["new"].is_string(),
        "{changed}"
    );
    check("DELETE", Value::Null, 204, "write").await;
    check("POST", json!({"password": "wrong"}), 401, "create").await;
}

#[tokio::test]
async fn guesses_are_refused_as_at_a_login_and_then_must_wait() {
    let world = world().await;
    let ada = login(world.server.nobody(), ADA, PASSWORD).await.unwrap();
    for body in [
        Value::Null,
        json!({}),
        json!({"password": ""}),
        json!({"password": null}),
    ] {
        let missing = ask(&world, &ada, "POST", PATH, &body).await;
        is(&missing, 400);
        assert_eq!(missing.fields(), ["password"]);
    }
    is(&ask(&world, &ada, "POST", PATH, &json!([])).await, 400);
    for _ in 0..10 {
        let wrong = ask(&world, &ada, "POST", PATH, &json!({"password": "wrong"})).await;
        is(&wrong, 401);
        assert_eq!(
            (wrong.message().as_str(), wrong.fields()),
            ("Incorrect password.", vec!["password".to_owned()])
        );
    }
    let many = ask(&world, &ada, "POST", PATH, &json!({"password": PASSWORD})).await;
    is(&many, 429);
    let after = many.headers["retry-after"].to_str().unwrap();
    assert!(
        (1..=300).contains(&after.parse::<u64>().unwrap()),
        "{after}"
    );
    assert_eq!(mode(&ada).await, OUT);
    // The session itself goes on, and others may come in.
    let owner = &world.cast.owner;
    assert!(
        owner
            .admin_mode_begin(&with_password())
            .await
            .unwrap()
            .active
    );
}

#[tokio::test]
async fn another_site_cannot_send_a_browser_into_it() {
    let world = world().await;
    let ada = login(world.server.nobody(), ADA, PASSWORD).await.unwrap();
    let cookie = format!("bursar_session={}", ada.token().unwrap().expose());
    let site = world.server.url();
    for (method, origin, expected) in [
        ("POST", None, 403),
        ("POST", Some("https://evil.example"), 403),
        ("DELETE", Some("https://evil.example"), 403),
        ("POST", Some(site.as_str()), 200),
        ("DELETE", Some(site.as_str()), 204),
    ] {
        let mut asked =
            request(&world, method, &format!("/api/v2{PATH}")).header("cookie", &cookie);
        if let Some(origin) = origin {
            asked = asked.header("origin", origin);
        }
        let answer = send(asked.json(&json!({"password": PASSWORD}))).await;
        assert_eq!(
            answer.status, expected,
            "{method} {origin:?}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn it_ends_with_the_password_with_the_session_and_with_a_suspension() {
    let world = world().await;
    let nobody = world.server.nobody();
    let here = login(nobody, ADA, PASSWORD).await.unwrap();
    here.admin_mode_begin(&with_password()).await.unwrap();
    let change = UpdateUserPasswordRequest {
        old_password: Some(PASSWORD.into()),
        password: "new-correct-horse".into(),
    };
    here.user_password_update("me", &change).await.unwrap();
    assert_eq!(mode(&here).await, OUT);
    refused(here.admin_mode_begin(&with_password()).await, 401);
    let new = BeginAdminModeRequest {
        password: Some("new-correct-horse".into()),
    };
    here.admin_mode_begin(&new).await.unwrap();
    here.logout().await.unwrap();
    refused(here.admin_mode_get().await, 401);
    let fresh = login(nobody, ADA, "new-correct-horse").await.unwrap();
    assert_eq!(mode(&fresh).await, OUT);
    fresh.admin_mode_begin(&new).await.unwrap();
    world.cast.owner.user_suspend("ada").await.unwrap();
    refused(fresh.admin_mode_begin(&new).await, 401);
    world.cast.owner.user_activate("ada").await.unwrap();
    assert_eq!(mode(&fresh).await, OUT, "it does not outlast a suspension");
}

#[tokio::test]
async fn a_token_has_the_scope_instead_and_a_session_in_admin_mode_gives_it() {
    let world = world().await;
    let owner = &world.cast.owner;
    let both = token(&["all", "admin_mode"]);
    let refusal = refused(owner.api_key_create("me", &both).await, 400);
    assert!(refusal.message.contains("admin mode"), "{refusal:?}");
    let plain = owner.api_key_create("me", &token(&[])).await.unwrap();
    let plain = owner.with_token(plain.key);
    assert_eq!(mode(&plain).await, OUT);

    owner.admin_mode_begin(&with_password()).await.unwrap();
    let made = owner.api_key_create("me", &both).await.unwrap();
    let made = owner.with_token(made.key);
    let inside = AdminMode {
        active: true,
        expires_at: None,
    };
    assert_eq!(mode(&made).await, inside);
    assert_eq!(mode(&plain).await, OUT);
    let listed = owner.api_key_list("me").await.unwrap();
    assert_eq!(listed[0].scopes, ["all", "admin_mode"]);
    // It adds no right: alone it may do nothing.
    let bare = owner.api_key_create("me", &token(&["admin_mode"])).await;
    let bare = owner.with_token(bare.unwrap().key);
    refused(bare.user_get("me").await, 404);

    for caller in [&made, &plain] {
        refused(caller.api_key_create("me", &both).await, 400);
        for outcome in [
            caller.admin_mode_begin(&with_password()).await.map(drop),
            caller.admin_mode_end().await,
        ] {
            let refusal = refused(outcome, 403);
            assert_eq!(refusal.detail.as_deref(), Some("no_session"));
        }
    }
    made.api_key_create("me", &token(&["all"])).await.unwrap();
    let scopes = owner.scope_list().await.unwrap().external;
    assert!(scopes.contains(&"admin_mode".to_owned()));
}
