//! What is checked before a chat is shared, in which order and in which words.

use bursar_sdk::CreateGroupRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::Stage;
use crate::support::{Answer, Person, brief, is, lines, member};

const OWN: &str = "Cannot change your own chat sharing role.";
const INVALID: &str = "Invalid request to update chat ACL.";
const NOBODY: &str = "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d";

/// The complaints of an answer, as `field: detail`.
fn complaints(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let validations = body["validations"].as_array().cloned().unwrap_or_default();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let complaint = |one: &Value| format!("{}: {}", text(one, "field"), text(one, "detail"));
    validations.iter().map(complaint).collect()
}

async fn patch(stage: &Stage, who: &Person, chat: Uuid, body: &Value) -> Answer {
    let path = format!("/{chat}/acl");
    stage.ask(&who.client, "PATCH", &path, body).await
}

#[tokio::test]
async fn all_that_is_wrong_is_told_together() {
    let stage = Stage::new().await;
    let (vic, zoe) = (stage.vic.id, stage.zoe.id);
    let chat = stage.chat("Plans").await;
    let other = CreateGroupRequest {
        name: "others".to_owned(),
        display_name: String::new(),
        avatar_url: String::new(),
    };
    let owner = &stage.world.cast.owner;
    let other = owner.group_create(stage.beta, &other).await.unwrap().id;
    let check = async |body: Value, expected: &[&str]| {
        let answer = patch(&stage, &stage.ada, chat, &body).await;
        is(&answer, 400);
        assert_eq!(answer.message(), INVALID, "{body}");
        assert_eq!(complaints(&answer), expected, "{body}");
    };
    for role in ["admin", "use", "write", "READ"] {
        let words = format!("user_roles: role \"{role}\" is not a valid chat role");
        check(json!({"user_roles": {vic.to_string(): role}}), &[&words]).await;
    }
    let words = [
        format!("group_roles: group with ID {NOBODY} does not exist"),
        "user_roles: not-a-uuid is not a valid UUID.".to_owned(),
        format!("user_roles: user with ID {NOBODY} does not exist"),
        "user_roles: role \"admin\" is not a valid chat role".to_owned(),
        "expires_at: must be in the future".to_owned(),
    ];
    let body = json!({
        "group_roles": {NOBODY: "read"},
        "user_roles": {NOBODY: "read", "not-a-uuid": "read", vic.to_string(): "admin"},
        "expires_at": "2001-01-01T00:00:00Z",
    });
    let answer = patch(&stage, &stage.ada, chat, &body).await;
    is(&answer, 400);
    let mut found = complaints(&answer);
    assert!(
        found[0].starts_with("group_roles"),
        "groups first: {found:?}"
    );
    found.sort_unstable();
    let mut expected = words.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    // Who is of another organization cannot be named, and looks as if there were nobody.
    for body in [
        json!({"user_roles": {zoe.to_string(): "read"}}),
        json!({"group_roles": {other.to_string(): "read"}}),
    ] {
        let answer = patch(&stage, &stage.ada, chat, &body).await;
        is(&answer, 400);
        assert_eq!(
            (answer.message().as_str(), complaints(&answer).len()),
            (INVALID, 1)
        );
    }
    assert!(
        stage
            .ada
            .client
            .chat_acl_get(chat)
            .await
            .unwrap()
            .users
            .is_empty()
    );
}

#[tokio::test]
async fn ids_are_read_in_every_spelling_and_named_once() {
    let stage = Stage::new().await;
    let vic = &stage.vic;
    let chat = stage.chat("Plans").await;
    let upper = vic.id.to_string().to_uppercase();
    let answer = patch(
        &stage,
        &stage.ada,
        chat,
        &json!({"user_roles": {&upper: "read"}}),
    )
    .await;
    is(&answer, 204);
    assert!(stage.sees(vic, chat).await);
    let path = format!("/{chat}/acl");
    let acl = stage
        .ask(&stage.ada.client, "GET", &path, &Value::Null)
        .await
        .json();
    assert_eq!(acl["users"][0]["id"], vic.id.to_string());
    assert_eq!(acl["users"][0]["role"], "read");
    let twice = json!({"user_roles": {&upper: "read", vic.id.to_string(): ""}});
    is(&patch(&stage, &stage.ada, chat, &twice).await, 400);
    assert!(stage.sees(vic, chat).await, "nothing of it was done");
    let simple = json!({"user_roles": {vic.id.simple().to_string(): ""}});
    is(&patch(&stage, &stage.ada, chat, &simple).await, 204);
    assert!(!stage.sees(vic, chat).await);
}

#[tokio::test]
async fn entries_of_who_is_gone_can_be_taken_away() {
    let stage = Stage::new().await;
    let ben = member(&stage.world, "ben", &[]).await;
    let chat = stage.chat("Plans").await;
    stage.grant(chat, &[ben.id], &[stage.group]).await;
    let owner = &stage.world.cast.owner;
    owner.user_delete(ben.id).await.unwrap();
    owner.group_delete(stage.group).await.unwrap();
    stage.revoke(chat, &[ben.id], &[stage.group]).await;
    let acl = stage.ada.client.chat_acl_get(chat).await.unwrap();
    assert!(acl.users.is_empty() && acl.groups.is_empty(), "{acl:?}");
    assert!(!stage.get(chat).await.shared);
}

#[tokio::test]
async fn who_may_not_share_learns_nothing_and_who_may_cannot_name_themself() {
    let stage = Stage::new().await;
    let (ada, boss, vic, xan) = (&stage.ada, &stage.boss, &stage.vic, &stage.xan);
    let chat = stage.shared("Plans").await;
    // Whether there is such a person is nothing to a reader, nor whether the body is one.
    let unknown = json!({"user_roles": {NOBODY: "read"}});
    let refused = patch(&stage, vic, chat, &unknown).await;
    is(&refused, 403);
    let path = format!("/chats/{chat}/acl");
    let torn = async |who: &Person| {
        crate::support::ask_text(&stage.world, &who.client, "PATCH", &path, "{").await
    };
    is(&torn(vic).await, 403);
    is(&torn(ada).await, 400);
    is(&torn(xan).await, 404);
    let recorded = lines(&stage.world, refused.request_id()).await;
    assert_eq!(
        (recorded[0].status_code, recorded[0].resource_type.as_str()),
        (403, "chat")
    );

    for who in [ada, boss] {
        // It comes before all that is wrong with the rest.
        let own = json!({
            "user_roles": {who.id.to_string().to_uppercase(): "read", NOBODY: "x"},
            "expires_at": "2001-01-01T00:00:00Z",
        });
        let answer = patch(&stage, who, chat, &own).await;
        is(&answer, 400);
        assert_eq!(answer.message(), OWN);
    }
    let grant = json!({"user_roles": {xan.id.to_string(): "read"}});
    let granted = patch(&stage, boss, chat, &grant).await;
    is(&granted, 204);
    assert!(stage.sees(xan, chat).await, "an administrator shares too");
    let written = lines(&stage.world, granted.request_id()).await;
    let written: Vec<_> = written.iter().map(brief).collect();
    // Its title was made of what was said, which is not told.
    assert_eq!(written, [format!("write chat {chat}")]);

    let owner = &stage.world.cast.owner;
    owner.user_suspend(ada.id).await.unwrap();
    let revoke = json!({"user_roles": {xan.id.to_string(): ""}});
    is(&patch(&stage, ada, chat, &revoke).await, 401);
    assert!(stage.sees(xan, chat).await, "nothing was changed");
}
