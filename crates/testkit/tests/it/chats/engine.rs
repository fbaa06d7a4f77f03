//! How turns end that do not end well, and what is said of it.

use std::time::Duration;

use bursar_sdk::{
    ChatErrorKind, ChatInputPart, ChatStatus, ChatStreamEventType, CreateChatRequest,
    EditChatMessageRequest,
};
use fakeprovider::{Fault, Gate, Output, Script};
use testkit::{ServerOptions, TestServer};

use super::{
    stage::{Stage, active, brief, options, said, slow, text},
    stream::Stream,
};
use crate::calls::{events, settled};

#[tokio::test]
async fn a_chat_without_a_provider_is_made_and_its_turn_ends_in_an_error() {
    let stage = Stage::with(Script::default(), &ServerOptions::default()).await;
    let check = async |model: Option<&str>, words: &str| {
        let new = CreateChatRequest {
            model: model.map(str::to_owned),
            ..stage.new_chat("Plans")
        };
        let chat = stage.ada.client.chat_create(&new).await.unwrap().id;
        assert_eq!(stage.rests(chat).await, ChatStatus::Error);
        let error = stage.get(chat).await.last_error.unwrap();
        assert_eq!(
            (error.kind, error.retryable),
            (ChatErrorKind::Config, false)
        );
        assert!(error.message.contains(words), "{error:?}");
        assert_eq!(brief(&stage.messages(chat).await), ["Plans"]);
    };
    check(None, "No model was chosen").await;
    check(Some("nowhere/gpt-4o"), "no AI provider `nowhere`").await;
    check(Some("openai/house-brew-7b"), "`house-brew-7b` has no price").await;
    assert!(stage.world.fake.requests().is_empty());
    stage.at_rest().await;
}

#[tokio::test]
async fn what_a_provider_fails_with_is_told_once_and_the_next_message_is_answered() {
    let stage = Stage::new().await;
    let chat = stage.chat("one").await;
    stage.grant(chat, &[stage.vic.id], &[]).await;
    let mut streams = [
        Stream::events(&stage.ada.client, chat).await,
        Stream::socket(&stage.vic.client, chat).await,
    ];
    for stream in &mut streams {
        stream.status(ChatStatus::Waiting).await;
    }
    let fault = Fault::Status {
        status: 529,
        retry_after: None,
    };
    stage.world.fake.change(|script| script.fault = fault);
    stage.say(chat, "two").await;
    for stream in &mut streams {
        let told = stream
            .until("the error", |event| event.error.is_some())
            .await;
        let error = told.error.unwrap();
        assert_eq!(
            (error.kind, error.retryable),
            (ChatErrorKind::Overloaded, true)
        );
        assert_eq!(error.provider.as_deref(), Some("openai"));
    }
    // It broke off in the middle: what was said is kept.
    stage
        .world
        .fake
        .change(|script| script.fault = Fault::CutAfterChunks(3));
    stage.say(chat, "three").await;
    assert_eq!(stage.rests(chat).await, ChatStatus::Error);
    let messages = stage.messages(chat).await;
    assert_eq!(
        brief(&messages),
        ["one", "an answer", "two", "three", "an answer"]
    );
    assert!(!text(&messages[4]).is_empty());
    stage.world.fake.change(|script| script.fault = Fault::None);
    stage.say(chat, "four").await;
    assert_eq!(stage.rests(chat).await, ChatStatus::Waiting);
    assert_eq!(stage.get(chat).await.last_error, None);
    for stream in &mut streams {
        stream
            .until("the last answer", |event| {
                event
                    .message
                    .as_ref()
                    .is_some_and(|message| text(message) == "four")
            })
            .await;
        stream.status(ChatStatus::Waiting).await;
        assert_eq!(stream.count(ChatStreamEventType::Error), 2);
    }
    stage.at_rest().await;
}

#[tokio::test]
async fn a_server_that_stops_ends_its_turns_and_keeps_what_was_said() {
    let stage = Stage::with(slow(4_000), &options()).await;
    let second = TestServer::start(&stage.world.database, &options())
        .await
        .unwrap();
    let there = second.as_caller(&stage.ada.client);
    let chat = there
        .chat_create(&stage.new_chat("Plans"))
        .await
        .unwrap()
        .id;
    let mut here = Stream::events(&stage.ada.client, chat).await;
    let mut gone = Stream::socket(&there, chat).await;
    gone.parts(5).await;
    here.parts(5).await;
    let ending = tokio::spawn(async move { gone.end().await });
    second.stop().await.unwrap();
    assert_eq!(ending.await.unwrap().code, 1001);
    let told = here.until("the error", |event| event.error.is_some()).await;
    let error = told.error.unwrap();
    assert_eq!(
        (error.kind, error.retryable),
        (ChatErrorKind::Generic, true)
    );
    assert!(error.message.contains("server was stopped"), "{error:?}");
    assert_eq!(brief(&stage.messages(chat).await), ["Plans", "an answer"]);
    stage
        .world
        .fake
        .change(|script| *script = Script::default());
    stage
        .ada
        .client
        .chat_message_create(chat, &said("again"))
        .await
        .unwrap();
    assert_eq!(stage.rests(chat).await, ChatStatus::Waiting);
    stage.at_rest().await;
}

#[tokio::test]
async fn an_owner_who_is_suspended_pays_for_nothing_more() {
    let stage = Stage::with(slow(4_000), &options()).await;
    let chat = stage.begin("Plans").await.id;
    let mut boss = Stream::events(&stage.boss.client, chat).await;
    boss.parts(5).await;
    stage
        .world
        .cast
        .owner
        .user_suspend(stage.ada.id)
        .await
        .unwrap();
    boss.status(ChatStatus::Error).await;
    stage.at_rest().await;
    let messages = super::stage::messages(&stage.boss.client, chat).await;
    assert_eq!(brief(&messages), ["Plans", "an answer"]);
}

/// What it used is paid, although nobody listened to the end of it.
#[tokio::test]
async fn an_answer_that_goes_on_and_on_is_ended_kept_and_paid() {
    let script = Script {
        output: Output::Tokens(250_000),
        ignore_cap: true,
        tokens_per_chunk: 1_000,
        ..Script::default()
    };
    // The rest of it comes in time to be charged by the provider's own figures.
    let options = ServerOptions {
        drain_timeout: Duration::from_secs(60),
        ..options()
    };
    let stage = Stage::with(script, &options).await;
    let chat = stage.chat("Plans").await;
    let error = stage.get(chat).await.last_error.unwrap();
    assert_eq!(
        (error.kind, error.retryable),
        (ChatErrorKind::Generic, false)
    );
    assert!(
        error.message.contains("too long for one message"),
        "{error:?}"
    );
    let messages = stage.messages(chat).await;
    assert_eq!(brief(&messages), ["Plans", "an answer"]);
    assert_eq!(text(&messages[1]).len(), 1024 * 1024);
    stage.at_rest().await;
    settled(&stage.world.database).await;
    let events = events(&stage.world.database, stage.ada.id).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((events[0].tokens[3], events[0].estimated), (250_000, false));
    let (spent, held) = stage.world.spend(&stage.ada.client).await.unwrap();
    assert!(spent > 0 && held == 0, "{spent} {held}");
}

#[tokio::test]
async fn one_owner_has_sixteen_turns_at_a_time_and_the_others_wait() {
    let gate = Gate::default();
    let script = Script {
        gate: Some(gate.clone()),
        ..Script::default()
    };
    let stage = Stage::with(script, &options()).await;
    let fake = &stage.world.fake;
    let mut chats = Vec::new();
    for number in 0..16 {
        chats.push(stage.begin(&format!("chat {number}")).await.id);
    }
    fake.wait_for_requests(16).await;
    let (stopped, edited) = (
        stage.begin("stopped").await.id,
        stage.begin("edited").await.id,
    );
    // Others wait for nobody.
    let other = stage.xan.client.chat_create(&stage.new_chat("Mine")).await;
    let other = other.unwrap().id;
    fake.wait_for_requests(17).await;
    assert!(active(stage.get(stopped).await.status));
    let ada = &stage.ada.client;
    ada.chat_interrupt(stopped).await.unwrap();
    assert_eq!(stage.rests(stopped).await, ChatStatus::Waiting);
    assert_eq!(brief(&stage.messages(stopped).await), ["stopped"]);
    let first = stage.messages(edited).await[0].id;
    let anew = EditChatMessageRequest {
        content: vec![ChatInputPart::text("edited anew")],
        ..EditChatMessageRequest::default()
    };
    ada.chat_message_update(edited, first, &anew).await.unwrap();
    assert!(active(stage.get(edited).await.status));
    assert_eq!(fake.requests().len(), 17);
    gate.open();
    for chat in chats {
        assert_eq!(stage.rests(chat).await, ChatStatus::Waiting);
        assert_eq!(stage.messages(chat).await.len(), 2);
    }
    assert_eq!(stage.rests(edited).await, ChatStatus::Waiting);
    assert_eq!(
        brief(&stage.messages(edited).await),
        ["edited anew", "an answer"]
    );
    stage.at_rest().await;
    let messages = super::stage::messages(&stage.xan.client, other).await;
    assert_eq!(brief(&messages), ["Mine", "an answer"]);
    assert_eq!(fake.requests().len(), 18);
}
