//! The switches over sharing: a deployment's, an organization's, and the end of an entry's time.

use bursar_sdk::{ChatFileCreateQuery, ChatInputPart, client::Upload};
use model::{Clock as _, SystemClock};
use serde_json::{Value, json};
use testkit::TestServer;
use uuid::Uuid;

use super::stage::{Stage, options, titles};
use crate::support::is;

const DEPLOYMENT: &str = "Chat sharing is disabled for this deployment.";
const ORGANIZATION: &str = "Chat sharing is disabled for this organization.";
const SETTINGS: &str = "/organizations/acme/settings/chat-sharing";

/// A shared chat with a file.
async fn with_file(stage: &Stage) -> (Uuid, Uuid) {
    let ada = &stage.ada.client;
    let query = ChatFileCreateQuery {
        organization: Some(stage.world.cast.organization_id.to_string()),
    };
    let file = Upload::new("plan.md", "# Plan");
    let file = ada.chat_file_create(&query, file).await.unwrap().id;
    let mut new = stage.new_chat("Plans");
    new.content.push(ChatInputPart::file(file));
    let chat = ada.chat_create(&new).await.unwrap().id;
    stage.rests(chat).await;
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    (chat, file)
}

/// What a switch does to a chat, at the server that a stage knows, or at another.
async fn check(stage: &Stage, server: &TestServer, chat: (Uuid, Uuid), off: Option<&str>) {
    let (chat, file) = chat;
    let at = |path: String| format!("{}/api/v2/chats{path}", server.url());
    let status = async |who: &bursar_sdk::Client, method: &str, path: String| {
        let method = method.parse().unwrap();
        let request = stage.world.http.request(method, at(path)).json(&json!({}));
        let token = who.token().unwrap().expose();
        let answer = request.bearer_auth(token).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value =
            serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
        (
            status,
            body["message"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let (ada, boss) = (&stage.ada.client, &stage.boss.client);
    let read = if off.is_some() { 404 } else { 200 };
    for reader in [&stage.vic.client, &stage.gil.client] {
        for path in [
            format!("/{chat}"),
            format!("/{chat}/messages"),
            format!("/files/{file}"),
        ] {
            let (found, _) = status(reader, "GET", path.clone()).await;
            assert_eq!(found, read, "{path}, {off:?}");
        }
        let reader = server.as_caller(reader);
        let shared = titles(&reader, "source:shared_with_me").await;
        assert_eq!(shared.len(), usize::from(off.is_none()), "{off:?}");
    }
    for keeper in [ada, boss] {
        assert_eq!(status(keeper, "GET", format!("/{chat}")).await.0, 200);
        for (method, allowed) in [("GET", 200), ("PATCH", 204)] {
            let found = status(keeper, method, format!("/{chat}/acl")).await;
            match off {
                Some(words) => assert_eq!(found, (403, words.to_owned())),
                None => assert_eq!(found.0, allowed),
            }
        }
    }
    let own = server.as_caller(ada);
    assert_eq!(titles(&own, "").await, ["Plans"], "the owner's list");
    assert_eq!(own.chat_get(chat).await.unwrap().shared, off.is_none());
}

#[tokio::test]
async fn a_deployment_that_lets_nobody_share_keeps_what_was_shared() {
    let stage = Stage::new().await;
    let chat = with_file(&stage).await;
    let mut without = options();
    without.chats.disable_chat_sharing = true;
    let without = TestServer::start(&stage.world.database, &without)
        .await
        .unwrap();
    check(&stage, &stage.world.server, chat, None).await;
    check(&stage, &without, chat, Some(DEPLOYMENT)).await;
    let shown = stage
        .world
        .http
        .get(format!("{}/api/v2{SETTINGS}", without.url()));
    let shown = shown.bearer_auth(stage.ada.client.token().unwrap().expose());
    let shown: Value = shown.send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["sharing_globally_disabled"], true);
    // The servers with the switch and without judge by their own, whoever asked before.
    check(&stage, &stage.world.server, chat, None).await;
    without.stop().await.unwrap();
}

#[tokio::test]
async fn an_organization_that_lets_nobody_share_keeps_what_was_shared() {
    let stage = Stage::new().await;
    let chat = with_file(&stage).await;
    let server = &stage.world.server;
    for _ in 0..2 {
        check(&stage, server, chat, None).await;
        let set = async |enabled: bool| {
            let body = json!({"enabled": enabled});
            let boss = &stage.boss.client;
            is(
                &crate::support::ask(&stage.world, boss, "PATCH", SETTINGS, &body).await,
                200,
            );
        };
        set(false).await;
        check(&stage, server, chat, Some(ORGANIZATION)).await;
        set(true).await;
    }
    check(&stage, server, chat, None).await;
    // A sub-chat's ACL is refused by the switch first, and to who may not read it not at all.
    let child = stage.child(chat.0, "child").await;
    let off = json!({"enabled": false});
    let owner = &stage.world.cast.owner;
    is(
        &crate::support::ask(&stage.world, owner, "PATCH", SETTINGS, &off).await,
        200,
    );
    let path = format!("/{child}/acl");
    let refused = stage
        .ask(&stage.ada.client, "PATCH", &path, &json!({}))
        .await;
    is(&refused, 403);
    assert_eq!(refused.message(), ORGANIZATION);
    is(
        &stage
            .ask(&stage.vic.client, "PATCH", &path, &json!({}))
            .await,
        404,
    );
}

#[tokio::test]
async fn an_entry_ends_when_its_time_has_come() {
    let stage = Stage::new().await;
    let vic = &stage.vic;
    let chat = stage.chat("Plans").await;
    let path = format!("/{chat}/acl");
    let grant = async |end: Value| {
        let body = json!({"user_roles": {vic.id.to_string(): "read"}, "expires_at": end});
        stage.ask(&stage.ada.client, "PATCH", &path, &body).await
    };
    let passed = grant(json!("2020-01-01T00:00:00Z")).await;
    is(&passed, 400);
    assert_eq!(passed.fields(), ["expires_at"]);
    assert!(!stage.sees(vic, chat).await);
    let end = SystemClock.now() + chrono::TimeDelta::hours(1);
    is(&grant(json!(end)).await, 204);
    let acl = stage.ada.client.chat_acl_get(chat).await.unwrap();
    let told = acl.users[0].expires_at.unwrap();
    assert!(
        (told - end).abs() < chrono::TimeDelta::milliseconds(1),
        "{told}"
    );
    assert!(stage.sees(vic, chat).await);
    // Nothing is said when the time comes.
    stage.world.database.shift_clock("2 hours").await.unwrap();
    assert!(!stage.sees(vic, chat).await);
    assert!(
        titles(&vic.client, "source:shared_with_me")
            .await
            .is_empty()
    );
    assert!(!stage.get(chat).await.shared);
    stage.world.database.shift_clock("0 hours").await.unwrap();
    assert!(stage.sees(vic, chat).await);
    // Without an end again.
    is(&grant(Value::Null).await, 204);
    stage.world.database.shift_clock("2 hours").await.unwrap();
    assert!(stage.sees(vic, chat).await);
}
