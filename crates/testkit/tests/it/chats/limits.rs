//! Limits on spend in chats: refusals appear in the chat, with numbers to the owner and without to all others; and what
//! chats cost is in the ledger.

use bursar_sdk::{
    ChatError, ChatErrorKind, ChatStatus, CreateTokenRequest, UpsertGroupAiBudgetRequest,
};
use fakeprovider::Script;
use model::Micros;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    stage::{Stage, options},
    stream::Stream,
};
use crate::{
    external_usage::{report, spent},
    support::{ask, is},
};

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

/// A token makes chats as its owner, and what is asked in them is asked as the owner too.
#[tokio::test]
async fn a_token_that_may_only_make_chats_has_them_answered_within_its_owners_budget() {
    let stage = Stage::poor(Script::default(), Micros::USD, &options()).await;
    let owner = &stage.world.cast.owner;
    let scopes = CreateTokenRequest {
        scopes: vec!["chat:create".to_owned()],
        ..CreateTokenRequest::default()
    };
    let made = owner.api_key_create(stage.ada.id, &scopes).await.unwrap();
    let token = owner.with_token(made.key);
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]});
    let world = &stage.world;
    let asked = world
        .chat(&world.server, token.token().unwrap(), &body)
        .await;
    assert_eq!(asked.unwrap().status(), 403, "it asks nobody itself");
    assert_eq!(world.spend(&stage.ada.client).await.unwrap(), (0, 0));
    let chat = token
        .chat_create(&stage.new_chat("Plans"))
        .await
        .unwrap()
        .id;
    assert_eq!(stage.rests(chat).await, ChatStatus::Waiting);
    stage.at_rest().await;
    let (spent, held) = world.spend(&stage.ada.client).await.unwrap();
    assert!(spent > 0 && held == 0, "{spent} {held}");
    let nothing = UpsertGroupAiBudgetRequest {
        spend_limit_micros: 0,
        ..UpsertGroupAiBudgetRequest::default()
    };
    let group = world.cast.group_id;
    owner.group_budget_upsert(group, &nothing).await.unwrap();
    let chat = token.chat_create(&stage.new_chat("More")).await.unwrap().id;
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    refused(&stage, chat, &["$0.00", "builders"]).await;
    assert_eq!(world.fake.requests().len(), 1);
    stage.at_rest().await;
}

const FLAT: &str = "mutation($in: UpsertFlatUserCapInput!) {
    upsertFlatUserCap(input: $in) { flatUserCap errors } }";
const SUBSCRIPTION: &str = "mutation($in: UpsertSubscriptionCapInput!) {
    upsertSubscriptionCap(input: $in) { subscriptionCap errors } }";

/// Sets a cap of the organization.
async fn cap(stage: &Stage, mutation: &str, fields: Value) {
    let owner = &stage.world.cast.owner;
    let path = "/feature-flags/budget_caps_graphql_api";
    is(
        &ask(&stage.world, owner, "PUT", path, &json!({"enabled": true})).await,
        200,
    );
    let mut input = fields;
    input["namespacePath"] = json!("acme");
    let body = json!({"query": mutation, "variables": {"in": input}});
    let set = ask(&stage.world, owner, "POST", "/../graphql", &body).await;
    assert!(set.json().get("errors").is_none(), "{}", set.text);
}

/// Caps that leave nothing: each is told with its name, its figures and when it resets.
#[tokio::test]
async fn a_cap_is_told_the_same_way() {
    let check = async |mutation: &str, fields: Value, words: &[&str]| {
        let stage = Stage::new().await;
        cap(&stage, mutation, fields).await;
        let chat = stage.chat("Plans").await;
        stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
        refused(&stage, chat, words).await;
        assert!(stage.world.fake.requests().is_empty());
        stage.at_rest().await;
    };
    check(
        FLAT,
        json!({"flatUserCap": 0.0, "flatUserCapEnabled": true}),
        &["$0.00", "flat user cap"],
    )
    .await;
    check(
        SUBSCRIPTION,
        json!({"subscriptionCap": 0.0, "subscriptionCapEnabled": true}),
        &["$0.00", "subscription cap of your organization"],
    )
    .await;
}

/// What one person spends takes it from all: the cap is everybody's together, and no budget of Ada's is in the way.
#[tokio::test]
async fn a_subscription_that_is_used_up_stops_everybodys_turns() {
    let stage = Stage::new().await;
    let fields = json!({"subscriptionCap": 1.0, "subscriptionCapEnabled": true});
    cap(&stage, SUBSCRIPTION, fields).await;
    let chat = stage.chat("Plans").await;
    assert_eq!(stage.get(chat).await.status, ChatStatus::Waiting);
    stage.at_rest().await;
    let xan = stage.xan.client.user_get("me").await.unwrap().username;
    let spent = spent("x1", &xan, Micros::USD.0);
    report(&stage.world.cast.owner, &[spent]).await.unwrap();
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    stage.say(chat, "Again").await;
    refused(
        &stage,
        chat,
        &["$1.00", "subscription cap of your organization"],
    )
    .await;
    assert_eq!(stage.world.fake.requests().len(), 1);
    stage.at_rest().await;
}
