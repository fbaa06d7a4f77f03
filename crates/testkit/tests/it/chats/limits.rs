//! Limits on spend in chats: refusals appear in the chat, with numbers to the owner and without to all others; and what
//! chats cost is in the ledger.

use bursar_sdk::{ChatError, ChatErrorKind, ChatStatus, UpsertGroupAiBudgetRequest};
use fakeprovider::Script;
use model::Micros;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    stage::{Stage, options},
    stream::Stream,
};
use crate::support::{ask, is};

const FOR_READERS: &str = "The owner of this chat has reached a usage limit.";

/// Checks what everybody is told of a turn that a limit kept from running.
async fn refused(stage: &Stage, chat: Uuid, numbers: &[&str]) {
    assert_eq!(stage.rests(chat).await, ChatStatus::Error);
    let readers = |error: &ChatError| {
        assert_eq!(error.kind, ChatErrorKind::UsageLimit);
        assert_eq!(error.message, FOR_READERS);
        assert_eq!(error.detail, None);
    };
    let owner = |error: &ChatError| {
        assert_eq!(error.kind, ChatErrorKind::UsageLimit);
        for part in numbers.iter().chain(&["resets at 20"]) {
            assert!(error.message.contains(part), "{error:?}");
        }
    };
    for who in [&stage.ada, &stage.vic, &stage.gil, &stage.boss] {
        let check = |error: &ChatError| {
            if who.id == stage.ada.id {
                owner(error);
            } else {
                readers(error);
            }
        };
        check(&who.client.chat_get(chat).await.unwrap().last_error.unwrap());
        for socket in [true, false] {
            let mut stream = if socket {
                Stream::socket(&who.client, chat).await
            } else {
                Stream::events(&who.client, chat).await
            };
            let told = stream
                .until("the error", |event| event.error.is_some())
                .await;
            check(&told.error.unwrap());
            if who.id != stage.ada.id {
                let text = serde_json::to_string(&stream.told).unwrap();
                assert!(!text.contains('$'), "{text}");
            }
        }
        let list = stage.ask(
            &who.client,
            "GET",
            "?q=source:created_by_me,shared_with_me",
            &Value::Null,
        );
        let text = list.await.text;
        assert_eq!(text.contains("resets at"), who.id == stage.ada.id, "{text}");
    }
}

#[tokio::test]
async fn a_budget_that_is_used_up_is_told_the_owner_with_numbers_and_readers_without() {
    let stage = Stage::poor(Script::default(), Micros(0), &options()).await;
    let chat = stage.chat("Plans").await;
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    refused(&stage, chat, &["$0.00", "builders"]).await;
    assert!(stage.world.fake.requests().is_empty());
    // With more of it the next message is answered, and paid.
    let more = UpsertGroupAiBudgetRequest {
        spend_limit_micros: Micros::USD.0,
        ..UpsertGroupAiBudgetRequest::default()
    };
    let owner = &stage.world.cast.owner;
    owner
        .group_budget_upsert(stage.world.cast.group_id, &more)
        .await
        .unwrap();
    stage.say(chat, "Again").await;
    assert_eq!(stage.rests(chat).await, ChatStatus::Waiting);
    stage.at_rest().await;
    let (spent, held) = stage.world.spend(&stage.ada.client).await.unwrap();
    assert!(spent > 0 && held == 0, "{spent} {held}");
    let owners = format!(
        "SELECT count(*) FROM ai_usage_events WHERE user_id = '{}'",
        stage.ada.id
    );
    assert_eq!(stage.number(&owners).await, 1);
    assert_eq!(
        stage.number("SELECT count(*) FROM ai_usage_events").await,
        1
    );
}

const FLAT: &str = "mutation($in: UpsertFlatUserCapInput!) {
    upsertFlatUserCap(input: $in) { flatUserCap errors } }";

#[tokio::test]
async fn a_cap_is_told_the_same_way() {
    let stage = Stage::new().await;
    let owner = &stage.world.cast.owner;
    let path = "/feature-flags/budget_caps_graphql_api";
    is(
        &ask(&stage.world, owner, "PUT", path, &json!({"enabled": true})).await,
        200,
    );
    let input = json!({"namespacePath": "acme", "flatUserCap": 0.0, "flatUserCapEnabled": true});
    let body = json!({"query": FLAT, "variables": {"in": input}});
    let set = ask(&stage.world, owner, "POST", "/../graphql", &body).await;
    assert!(set.json().get("errors").is_none(), "{}", set.text);
    let chat = stage.chat("Plans").await;
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    refused(&stage, chat, &["$0.00", "flat user cap"]).await;
    assert!(stage.world.fake.requests().is_empty());
    stage.at_rest().await;
}
