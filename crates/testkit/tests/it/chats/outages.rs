//! Hints that are lost: looks by themselves, and a listener that comes back, find what happened meanwhile.

use std::time::Duration;

use bursar_sdk::{ChatStatus, ChatWatchEventKind as Kind, UpdateChatAclRequest};
use fakeprovider::Script;
use model::{Clock as _, SystemClock};
use testkit::ServerOptions;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    stage::{NEVER, Pair, SOON, brief, options, roles, said},
    stream::Stream,
    watching::Watch,
};

/// Takes the notifications out of the database.
const SILENCE: &str = "
    CREATE OR REPLACE FUNCTION notify_subjects(ids uuid[]) RETURNS void LANGUAGE sql AS '';
    CREATE OR REPLACE FUNCTION notify_chat() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE OR REPLACE FUNCTION notify_chat_acl() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';";

/// Two servers that hear nothing, and look by themselves this often.
async fn silent(recheck: Duration) -> (Pair, Uuid) {
    let options = ServerOptions {
        access_recheck: recheck,
        ..options()
    };
    let pair = Pair::new(Script::default(), &options).await;
    pair.stage.by_hand(SILENCE).await;
    let chat = pair.stage.shared("Plans").await;
    (pair, chat)
}

#[tokio::test]
async fn without_hints_a_look_finds_what_was_said_and_who_may_look_no_longer() {
    let (pair, chat) = silent(SOON).await;
    let stage = &pair.stage;
    let mut gil = Stream::socket(&pair.there(&stage.gil), chat).await;
    let mut vic = Stream::events(&pair.there(&stage.vic), chat).await;
    for stream in [&mut gil, &mut vic] {
        stream.status(ChatStatus::Waiting).await;
    }
    stage
        .ada
        .client
        .chat_message_create(chat, &said("more"))
        .await
        .unwrap();
    stage.rests(chat).await;
    for stream in [&mut gil, &mut vic] {
        stream
            .until("the answer", |event| event.message.is_some())
            .await;
        while stream.messages().len() < 4 {
            stream
                .until("the answer", |event| event.message.is_some())
                .await;
        }
        assert_eq!(brief(&stream.messages())[2], "more");
    }
    stage.revoke(chat, &[stage.vic.id], &[]).await;
    vic.revoked("an unheard change of the ACL", Instant::now())
        .await;
    stage.leave(stage.gil.id).await;
    gil.revoked("an unheard leaving", Instant::now()).await;
}

#[tokio::test]
async fn the_look_of_the_default_comes_within_five_seconds() {
    let (pair, chat) = silent(ServerOptions::default().access_recheck).await;
    let stage = &pair.stage;
    let mut vic = Stream::events(&pair.there(&stage.vic), chat).await;
    let mut gil = Stream::socket(&pair.there(&stage.gil), chat).await;
    for stream in [&mut gil, &mut vic] {
        stream.status(ChatStatus::Waiting).await;
    }
    stage.revoke(chat, &[stage.vic.id], &[]).await;
    let since = Instant::now();
    assert_eq!(vic.end().await.code, 4403);
    let took = since.elapsed();
    assert!(took < Duration::from_millis(6_000), "{took:?}");
    stage.say(chat, "Gil is still there").await;
    gil.until("the words", |event| event.message.is_some())
        .await;
}

#[tokio::test]
async fn a_listener_that_comes_back_finds_what_was_not_heard() {
    let (pair, chat) = silent(NEVER).await;
    let stage = &pair.stage;
    let mut vic = Stream::events(&pair.there(&stage.vic), chat).await;
    let mut gil = Stream::socket(&pair.there(&stage.gil), chat).await;
    let mut watch = [
        (Watch::events(&pair.there(&stage.vic)).await, Kind::Revoked),
        (Watch::socket(&pair.there(&stage.xan)).await, Kind::Granted),
    ];
    for stream in [&mut gil, &mut vic] {
        stream.status(ChatStatus::Waiting).await;
    }
    stage.revoke(chat, &[stage.vic.id], &[]).await;
    stage.grant(chat, &[stage.xan.id], &[]).await;
    stage.say(chat, "more").await;
    stage.rests(chat).await;
    stage.world.database.cut_listeners().await.unwrap();
    assert_eq!(vic.end().await.code, 4403);
    for (watch, kind) in &mut watch {
        watch.told(*kind, chat).await;
    }
    while gil.messages().len() < 4 {
        gil.until("what was said", |event| event.message.is_some())
            .await;
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_time_of_the_grant_that_it_is_read_by() {
    let options = ServerOptions {
        access_recheck: SOON,
        ..options()
    };
    let pair = Pair::new(Script::default(), &options).await;
    let stage = &pair.stage;
    let chat = stage.chat("Plans").await;
    stage.grant(chat, &[], &[stage.group]).await;
    let soon = SystemClock.now() + chrono::TimeDelta::seconds(2);
    let grant = UpdateChatAclRequest {
        expires_at: bursar_sdk::Change::Set(soon),
        ..roles(&[stage.vic.id], &[], "read")
    };
    stage
        .ada
        .client
        .chat_acl_update(chat, &grant)
        .await
        .unwrap();
    let mut vic = Stream::socket(&pair.there(&stage.vic), chat).await;
    let mut gil = Stream::events(&pair.there(&stage.gil), chat).await;
    gil.status(ChatStatus::Waiting).await;
    let end = vic.end().await;
    assert_eq!(
        (end.code, end.reason.as_str()),
        (4403, "permission revoked")
    );
    let now = SystemClock.now();
    assert!(
        now >= soon && now < soon + chrono::TimeDelta::seconds(2),
        "{now} {soon}"
    );
    assert!(!stage.sees(&stage.vic, chat).await);
    stage.say(chat, "Gil is still there").await;
    gil.until("the words", |event| event.message.is_some())
        .await;
}

#[tokio::test]
async fn streams_stay_open_while_the_database_is_away() {
    let (pair, chat) = silent(SOON).await;
    let stage = &pair.stage;
    let mut vic = Stream::events(&pair.there(&stage.vic), chat).await;
    let mut gil = Stream::socket(&pair.there(&stage.gil), chat).await;
    for stream in [&mut gil, &mut vic] {
        stream.status(ChatStatus::Waiting).await;
    }
    let database = &stage.world.database;
    database.take_away().await.unwrap();
    tokio::time::timeout(SOON * 5, vic.end()).await.unwrap_err();
    database.bring_back().await.unwrap();
    crate::calls::until("the database", || async {
        stage.ada.client.chat_get(chat).await.is_ok()
    })
    .await;
    stage.say(chat, "still there").await;
    for stream in [&mut gil, &mut vic] {
        stream
            .until("the words", |event| event.message.is_some())
            .await;
    }
    stage.revoke(chat, &[stage.vic.id], &[]).await;
    assert_eq!(vic.end().await.code, 4403);
}
