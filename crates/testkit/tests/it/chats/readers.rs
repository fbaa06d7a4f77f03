//! What readers may do and see, and whose cursor is whose.

use bursar_sdk::{ChatMessageListQuery, ChatStatus, ChatStreamEventType};
use fakeprovider::{Gate, Script};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    stage::{Stage, options, said},
    stream::Stream,
};
use crate::{calls::until, support::is};

#[tokio::test]
async fn readers_change_nothing() {
    let stage = Stage::new().await;
    let (vic, gil, boss) = (&stage.vic.client, &stage.gil.client, &stage.boss.client);
    let chat = stage.shared("Plans").await;
    let before = stage.get(chat).await;
    for body in [
        json!({"title": "Mine"}),
        json!({"archived": true}),
        json!({"pin_order": 1}),
        json!({"labels": {"a": "b"}}),
        json!({"title": ""}),
    ] {
        for reader in [vic, gil] {
            is(
                &stage.ask(reader, "PATCH", &format!("/{chat}"), &body).await,
                404,
            );
        }
    }
    let message = stage.messages(chat).await[0].id;
    let words = json!({"content": [{"type": "text", "text": "Hello"}]});
    let send = (format!("/{chat}/messages"), "POST", "send messages.");
    let edit = (
        format!("/{chat}/messages/{message}"),
        "PATCH",
        "edit messages.",
    );
    let promote = (
        format!("/{chat}/queue/1/promote"),
        "POST",
        "promote queued messages.",
    );
    for (path, method, what) in [send, edit, promote] {
        for who in [vic, gil, boss] {
            let answer = stage.ask(who, method, &path, &words).await;
            is(&answer, 403);
            assert_eq!(answer.message(), format!("Only the chat owner may {what}"));
        }
    }
    assert_eq!(stage.get(chat).await, before, "nothing has changed");
    assert_eq!(stage.messages(chat).await.len(), 2);
    // The place on top is the owner's, also to who looks after the organization.
    let pin = stage
        .ask(boss, "PATCH", &format!("/{chat}"), &json!({"pin_order": 1}))
        .await;
    is(&pin, 403);
}

/// How far a person has read a chat; 0 is not at all.
async fn cursor(stage: &Stage, chat: Uuid, user: Uuid) -> i64 {
    let sql = format!(
        "SELECT coalesce(max(last_read_message_id), 0) FROM chat_viewers \
         WHERE chat_id = '{chat}' AND user_id = '{user}'"
    );
    stage.number(&sql).await
}

#[tokio::test]
async fn who_reads_moves_their_own_cursor_and_nobody_elses() {
    let stage = Stage::new().await;
    let (ada, vic) = (&stage.ada, &stage.vic);
    let chat = stage.shared("Plans").await;
    let answer = stage.messages(chat).await[1].id;
    assert!(unread(&stage, &ada.client, "").await);
    assert!(unread(&stage, &vic.client, "source:shared_with_me").await);
    let mut stream = Stream::socket(&vic.client, chat).await;
    stream.status(ChatStatus::Waiting).await;
    assert_eq!(stream.messages().len(), 2);
    until("the reader's cursor", || async {
        cursor(&stage, chat, vic.id).await == answer
    })
    .await;
    assert_eq!(cursor(&stage, chat, ada.id).await, 0);
    assert!(unread(&stage, &ada.client, "").await);
    assert!(!unread(&stage, &vic.client, "source:shared_with_me").await);
    drop(stream);

    // On connecting, and on going.
    let mut stream = Stream::events(&ada.client, chat).await;
    stream.status(ChatStatus::Waiting).await;
    until("the owner's cursor", || async {
        cursor(&stage, chat, ada.id).await == answer
    })
    .await;
    ada.client
        .chat_message_create(chat, &said("More"))
        .await
        .unwrap();
    stream.status(ChatStatus::Waiting).await;
    let newest = stage.messages(chat).await[3].id;
    drop(stream);
    until("the cursor at the end", || async {
        cursor(&stage, chat, ada.id).await == newest
    })
    .await;
    assert_eq!(cursor(&stage, chat, vic.id).await, answer);
    assert!(!unread(&stage, &ada.client, "").await);
}

/// Whether the only chat that a query finds has an answer that was not seen.
async fn unread(stage: &Stage, who: &bursar_sdk::Client, q: &str) -> bool {
    let path = format!("?q={}", q.replace(' ', "%20"));
    let found = stage.ask(who, "GET", &path, &Value::Null).await.json();
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    found[0]["has_unread"].as_bool().unwrap()
}

#[tokio::test]
async fn readers_see_neither_what_waits_nor_what_it_took() {
    let gate = Gate::default();
    let script = Script {
        gate: Some(gate.clone()),
        ..Script::default()
    };
    let stage = Stage::with(script, &options()).await;
    let chat = stage.begin("Plans").await.id;
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    let mut own = Stream::socket(&stage.ada.client, chat).await;
    let mut readers = [
        Stream::socket(&stage.vic.client, chat).await,
        Stream::events(&stage.gil.client, chat).await,
        Stream::events(&stage.boss.client, chat).await,
    ];
    own.status(ChatStatus::Running).await;
    for reader in &mut readers {
        reader.status(ChatStatus::Running).await;
    }
    stage.say(chat, "what nobody knows yet").await;
    let queued = own.until("what waits", |event| {
        event
            .queued_messages
            .as_ref()
            .is_some_and(|waits| !waits.is_empty())
    });
    assert_eq!(queued.await.queued_messages.unwrap().len(), 1);
    let query = ChatMessageListQuery::default();
    let page = stage
        .ada
        .client
        .chat_message_list(chat, &query)
        .await
        .unwrap();
    assert_eq!(page.queued_messages.len(), 1);
    for who in [&stage.vic, &stage.gil, &stage.boss] {
        let page = who.client.chat_message_list(chat, &query).await.unwrap();
        assert!(page.queued_messages.is_empty());
        let path = format!("/{chat}/messages");
        let text = stage
            .ask(&who.client, "GET", &path, &Value::Null)
            .await
            .text;
        assert!(!text.contains("nobody knows"), "{text}");
    }
    gate.open();
    stage.at_rest().await;
    let usage = stage
        .messages(chat)
        .await
        .iter()
        .filter(|one| one.usage.is_some())
        .count();
    assert_eq!(usage, 2, "the owner sees what both answers took");
    for reader in &mut readers {
        reader.status(ChatStatus::Waiting).await;
        while reader.messages().len() < 4 {
            reader
                .until("the rest", |event| event.message.is_some())
                .await;
        }
        assert_eq!(reader.count(ChatStreamEventType::QueueUpdate), 0);
        let told = serde_json::to_string(&reader.told).unwrap();
        assert!(!told.contains("usage") && !told.contains("cost"), "{told}");
    }
    for who in [&stage.vic, &stage.gil, &stage.boss] {
        let seen = super::stage::messages(&who.client, chat).await;
        assert!(seen.iter().all(|message| message.usage.is_none()));
    }
}
