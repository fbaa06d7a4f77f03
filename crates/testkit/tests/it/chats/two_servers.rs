//! Turns that run at one server and are followed, queued behind, stopped and edited at another.

use bursar_sdk::{
    ChatInputPart, ChatStatus, ChatStreamEventType, CreateChatMessageRequest,
    EditChatMessageRequest,
};
use fakeprovider::Output;
use serde_json::Value;
use testkit::ServerOptions;

use super::{
    stage::{NEVER, Pair, Stage, brief, options, said, slow, text},
    stream::Stream,
};
use crate::{calls::until, support::is};

fn told() -> ServerOptions {
    ServerOptions {
        access_recheck: NEVER,
        ..options()
    }
}

/// What the provider says, when it says so many words.
async fn answer(stage: &Stage, chat: uuid::Uuid) -> String {
    text(stage.messages(chat).await.last().unwrap())
}

#[tokio::test]
async fn a_turn_is_followed_at_another_server_part_by_part() {
    let pair = Pair::new(slow(120), &told()).await;
    let stage = &pair.stage;
    let chat = stage.begin("Plans").await.id;
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    let (ada, vic, gil) = (
        pair.there(&stage.ada),
        pair.there(&stage.vic),
        pair.there(&stage.gil),
    );
    let mut streams = [
        Stream::socket(&ada, chat).await,
        Stream::events(&vic, chat).await,
        Stream::socket(&gil, chat).await,
        Stream::events(&stage.ada.client, chat).await,
    ];
    for stream in &mut streams {
        stream.parts(5).await;
    }
    // Whoever comes in the middle gets all that was said before.
    let mut late = Stream::socket(&vic, chat).await;
    late.parts(5).await;
    for stream in streams.iter_mut().chain([&mut late]) {
        stream.status(ChatStatus::Waiting).await;
        let messages = stream.messages();
        assert_eq!(brief(&messages), ["Plans", "an answer"]);
        assert_eq!(text(&messages[1]), answer(stage, chat).await);
        assert!(stream.count(ChatStreamEventType::MessagePart) > 5);
        assert_eq!(stream.count(ChatStreamEventType::HistoryReset), 0);
        assert_eq!(stream.count(ChatStreamEventType::Error), 0);
    }
    // Who knows what was said before is told what comes after only.
    let known = stage.messages(chat).await[0].id;
    let mut rest = Stream::after(&vic, chat, Some(known)).await;
    rest.status(ChatStatus::Waiting).await;
    assert_eq!(brief(&rest.messages()), ["an answer"]);
    stage.at_rest().await;
}

#[tokio::test]
async fn what_is_said_at_another_server_waits_and_what_stops_there_stops() {
    let pair = Pair::new(slow(2_000), &told()).await;
    let stage = &pair.stage;
    let there = pair.there(&stage.ada);
    let chat = stage.begin("one").await.id;
    let mut stream = Stream::socket(&there, chat).await;
    stream.parts(5).await;
    let waits = there.chat_message_create(chat, &said("two")).await.unwrap();
    assert!(waits.queued && waits.message.is_none());
    let queue = stream.until("what waits", |event| {
        event
            .queued_messages
            .as_ref()
            .is_some_and(|waits| waits.len() == 1)
    });
    queue.await;
    let stopped = there.chat_interrupt(chat).await.unwrap();
    assert!(matches!(
        stopped.status,
        ChatStatus::Interrupting | ChatStatus::Running
    ));
    // What was said is kept, and what waited is said next.
    stream
        .until("what waited", |event| {
            event
                .message
                .as_ref()
                .is_some_and(|message| text(message) == "two")
        })
        .await;
    stream.parts(3).await;
    let messages = stage.messages(chat).await;
    assert_eq!(brief(&messages), ["one", "an answer", "two"]);
    assert!(!text(&messages[1]).is_empty());
    // Another that interrupts by itself.
    let now = CreateChatMessageRequest {
        busy_behavior: Some("interrupt".to_owned()),
        ..said("three")
    };
    assert!(there.chat_message_create(chat, &now).await.unwrap().queued);
    stream
        .until("what interrupts", |event| {
            event
                .message
                .as_ref()
                .is_some_and(|message| text(message) == "three")
        })
        .await;
    there.chat_interrupt(chat).await.unwrap();
    stream.status(ChatStatus::Waiting).await;
    let path = format!("/{chat}/interrupt");
    is(
        &stage
            .ask(&stage.ada.client, "POST", &path, &Value::Null)
            .await,
        409,
    );
    assert_eq!(brief(&stage.messages(chat).await)[4], "three");
    stage.at_rest().await;
}

#[tokio::test]
async fn what_waits_is_taken_back_and_moved_to_the_front() {
    let pair = Pair::new(slow(2_000), &told()).await;
    let stage = &pair.stage;
    let there = pair.there(&stage.ada);
    let chat = stage.begin("one").await.id;
    stage.world.fake.wait_for_requests(1).await;
    let mut waits = Vec::new();
    for text in ["two", "three", "four"] {
        let sent = there.chat_message_create(chat, &said(text)).await.unwrap();
        waits.push(sent.queued_message.unwrap().id);
    }
    there.chat_queue_delete(chat, waits[1]).await.unwrap();
    let gone = there.chat_queue_delete(chat, waits[1]).await.unwrap_err();
    assert_eq!(gone.api().unwrap().status.as_u16(), 404);
    stage.world.fake.change(|script| {
        (script.output, script.chunk_delay) = (Output::Tokens(4), std::time::Duration::ZERO);
    });
    there.chat_queue_promote(chat, waits[2]).await.unwrap();
    until("an end of all", || async {
        stage.messages(chat).await.len() == 6
    })
    .await;
    stage.rests(chat).await;
    let expected = ["one", "an answer", "four", "an answer", "two", "an answer"];
    let found = brief(&stage.messages(chat).await);
    // An answer that was stopped before a word of it came leaves no message.
    assert_eq!(found, expected);
    stage.at_rest().await;
}

#[tokio::test]
async fn an_edit_while_a_turn_runs_begins_anew_everywhere() {
    let pair = Pair::new(slow(2_000), &told()).await;
    let stage = &pair.stage;
    let there = pair.there(&stage.ada);
    let chat = stage.begin("one").await.id;
    stage.grant(chat, &[stage.vic.id], &[]).await;
    let mut own = Stream::events(&stage.ada.client, chat).await;
    let mut reader = Stream::socket(&pair.there(&stage.vic), chat).await;
    own.parts(5).await;
    reader.parts(5).await;
    stage.say(chat, "waits").await;
    let first = stage.messages(chat).await[0].id;
    stage
        .world
        .fake
        .change(|script| script.output = Output::Tokens(60));
    let edit = EditChatMessageRequest {
        content: vec![ChatInputPart::text("other")],
        ..EditChatMessageRequest::default()
    };
    // At the server where it does not run.
    let edited = there.chat_message_update(chat, first, &edit).await.unwrap();
    assert_eq!(edited.deleted_message_ids, [first]);
    for stream in [&mut own, &mut reader] {
        stream
            .until("forgetting", |event| {
                event.r#type == ChatStreamEventType::HistoryReset
            })
            .await;
        stream.status(ChatStatus::Waiting).await;
        let messages = stream.messages();
        assert_eq!(brief(&messages), ["other", "an answer"]);
        assert_eq!(text(&messages[1]), answer(stage, chat).await);
    }
    assert_eq!(brief(&stage.messages(chat).await), ["other", "an answer"]);
    // Only what the model is asked counts: the first turn was ended and is paid, the second answers.
    stage.at_rest().await;
}
