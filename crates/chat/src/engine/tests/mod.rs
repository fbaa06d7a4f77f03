//! Turns over a store in memory and a model that says what a test wants.

mod body;
mod bounds;
mod fakes;
mod line;
mod world;

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use model::chats::{ChatErrorKind, ContentPart, TurnEnd, TurnUsage};

use self::{
    fakes::{CHAT, EVENT, Kept, LEASE, key},
    world::{World, say, text, whole},
};
use super::Begun;
use crate::{
    TurnLease,
    ports::{Answerer, BrokenOff, Refusal},
};

#[tokio::test]
async fn a_turn_says_notes_and_ends_once() {
    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    world.begin();
    world.begin();
    say(&mouth, "Thir");
    world.store.until(|kept| !kept.parts.is_empty()).await;
    say(&mouth, "ty.");
    world.store.until(|kept| kept.parts.len() >= 2).await;
    whole(&mouth);
    drop(mouth);
    let end = world.end().await;
    assert_eq!(end.content, [text("Thirty.")]);
    assert_eq!(end.model.as_deref(), Some("fast/m-1"));
    assert_eq!((end.usage_event_id, end.error), (Some(EVENT), None));
    let usage = TurnUsage {
        input_tokens: 7,
        output_tokens: 2,
    };
    assert_eq!(end.usage, Some(usage));
    let asked = world.model.asked.lock().unwrap();
    assert_eq!(asked.len(), 1, "it was asked once");
    let (provider, body) = &asked[0];
    assert_eq!(
        (provider.as_str(), body["model"].as_str()),
        ("fast", Some("m-1"))
    );
    let said = body["messages"][0]["content"][1]["text"].as_str().unwrap();
    assert!(said.contains("gone.txt"), "{said}");
    let seqs: Vec<i32> = world
        .store
        .kept()
        .parts
        .iter()
        .map(|part| part.seq)
        .collect();
    assert_eq!(seqs, (0..).take(seqs.len()).collect::<Vec<i32>>());
}

#[tokio::test]
async fn what_waits_follows_and_a_newer_turn_takes_its_place() {
    let world = World::new(Some("fast/m-1"));
    world.store.kept().queue.push_back(key(2));
    let (first, second, third) = (world.streams(), world.streams(), world.streams());
    world.begin();
    say(&first, "one");
    whole(&first);
    drop(first);
    say(&second, "two");
    world.ended(1).await;
    // It was edited: what the second says is nobody's.
    let said = |kept: &Kept| kept.parts.iter().any(|one| one.part == text("two"));
    world.store.until(said).await;
    world.store.kept().turn = Some((key(3), Some("fast/m-1".to_owned())));
    world.begin();
    say(&third, "three");
    whole(&third);
    drop(third);
    let ends = world.ended(2).await;
    let ends: Vec<_> = ends
        .iter()
        .map(|(key, end)| (key.history_version, end.content.clone()))
        .collect();
    assert_eq!(ends, [(1, vec![text("one")]), (3, vec![text("three")])]);
    assert!(second.is_closed(), "nobody listens to it any more");
}

#[tokio::test]
async fn an_interrupted_turn_keeps_what_was_said_and_hangs_up() {
    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    world.begin();
    say(&mouth, "Thir");
    world.store.until(|kept| !kept.parts.is_empty()).await;
    assert_eq!(world.model.open.load(Ordering::SeqCst), 1);
    world.store.kept().stopping = true;
    world.engine.heard(CHAT);
    let end = world.end().await;
    assert_eq!((end.content, end.error), (vec![text("Thir")], None));
    assert_eq!(world.model.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_keeps_a_turn_from_its_end_is_shown() {
    let check = async |world: World, kind: ChatErrorKind, retryable: bool, said: &[ContentPart]| {
        world.begin();
        let end = world.end().await;
        let error = end.error.unwrap();
        assert_eq!(
            (error.kind, error.retryable),
            (kind, retryable),
            "{error:?}"
        );
        assert_eq!(end.content, said);
        error
    };
    use ChatErrorKind::{
        Config, ContentFilter, Generic, RateLimit, StreamSilenceTimeout, UsageLimit,
    };
    let named = || World::new(Some("fast/m-1"));
    check(World::new(None), Config, false, &[]).await;
    check(World::new(Some("m-1")), Config, false, &[]).await;

    let refusals = [
        (Refusal::NoProvider, Config),
        (Refusal::Forbidden, Config),
        (Refusal::Workspace, Config),
        (Refusal::Ended("over".to_owned()), Generic),
    ];
    for (refusal, kind) in refusals {
        let world = named();
        world.model.answers.lock().unwrap().push_back(Err(refusal));
        let error = check(world, kind, false, &[]).await;
        assert_eq!(error.provider.as_deref(), Some("fast"));
    }
    let answer = |by, status, body: &'static str| {
        let world = named();
        let mouth = world.says(by, status, false);
        mouth.send(Ok(Bytes::from_static(body.as_bytes()))).unwrap();
        world
    };
    let body = r#"{"error":{"message":"$1.00 of $1.00","code":"insufficient_quota"}}"#;
    let error = check(answer(Answerer::Gateway, 403, body), UsageLimit, false, &[]).await;
    assert_eq!(error.message, "$1.00 of $1.00");
    check(
        answer(Answerer::Provider, 429, "busy"),
        RateLimit,
        true,
        &[],
    )
    .await;
    check(answer(Answerer::Ended, 401, "{}"), Generic, false, &[]).await;

    let spoken = |rest: Option<Result<&'static str, BrokenOff>>| {
        let world = named();
        let mouth = world.streams();
        say(&mouth, "Thir");
        if let Some(rest) = rest {
            let rest = rest.map(|rest| Bytes::from_static(rest.as_bytes()));
            mouth.send(rest).unwrap();
        }
        (world, mouth)
    };
    let said = [text("Thir")];
    let (world, mouth) = spoken(None);
    check(world, StreamSilenceTimeout, true, &said).await;
    drop(mouth);
    let (world, _mouth) = spoken(Some(Err(BrokenOff)));
    check(world, Generic, true, &said).await;
    let (world, mouth) = spoken(None);
    drop(mouth);
    check(world, Generic, true, &said).await;
    let filtered = "data: {\"choices\":[{\"finish_reason\":\"content_filter\"}]}\n\n";
    let (world, _mouth) = spoken(Some(Ok(filtered)));
    check(world, ContentFilter, false, &said).await;
}

/// The model has nothing to say, which this test support takes for a mistake.
#[tokio::test]
async fn a_mistake_of_ours_ends_the_turn() {
    let world = World::new(Some("fast/m-1"));
    world.begin();
    let error = world.end().await.error.unwrap();
    assert_eq!(
        (error.kind, error.retryable),
        (ChatErrorKind::Generic, true)
    );
}

#[tokio::test]
async fn an_end_that_the_store_did_not_take_is_tried_again() {
    for taken in [false, true] {
        let world = World::new(Some("fast/m-1"));
        {
            let mut kept = world.store.kept();
            (kept.failures, kept.taken) = (1, taken);
            kept.queue.push_back(key(2));
        }
        let mouths = [world.streams(), world.streams()];
        world.begin();
        for mouth in &mouths {
            whole(mouth);
        }
        drop(mouths);
        // Also the one that follows is run, whose beginning nobody was told of.
        let ends = world.ended(2).await;
        let ends: Vec<i64> = ends.iter().map(|(key, _)| key.history_version).collect();
        assert_eq!(ends, [1, 2]);
    }
}

#[tokio::test]
async fn what_the_store_cannot_keep_is_left_out() {
    let world = World::new(Some("fast/m-1"));
    // Longer than a store's bad moment: a chat must not run for ever.
    world.store.kept().faults = 6;
    let mouth = world.streams();
    world.begin();
    say(&mouth, "a\\u0000b");
    whole(&mouth);
    drop(mouth);
    let end = world.end().await;
    assert_eq!(end.content, []);
    assert!(end.error.unwrap().retryable);

    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    world.begin();
    say(&mouth, "a\\u0000b");
    whole(&mouth);
    drop(mouth);
    assert_eq!(world.end().await.content, [text("ab")]);
}

/// Neither the chat nor what waits there stays for ever because of it.
#[tokio::test]
async fn a_turn_that_cannot_be_read_is_ended() {
    let world = World::new(Some("fast/m-1"));
    {
        let mut kept = world.store.kept();
        kept.unreadable = 6;
        kept.queue.extend([key(2), key(3)]);
    }
    let mouth = world.streams();
    say(&mouth, "three");
    whole(&mouth);
    drop(mouth);
    world.begin();
    let ends = world.ended(3).await;
    let failed = |end: &TurnEnd| end.error.as_ref().map(|error| error.retryable);
    let ends: Vec<_> = ends
        .iter()
        .map(|(key, end)| (key.history_version, failed(end), end.content.clone()))
        .collect();
    assert_eq!(
        ends,
        [
            (1, Some(true), vec![]),
            (2, Some(true), vec![]),
            (3, None, vec![text("three")]),
        ]
    );
}

#[tokio::test]
async fn a_turn_is_read_again_after_a_fault() {
    let world = World::new(Some("fast/m-1"));
    world.store.kept().unreadable = 2;
    let mouth = world.streams();
    say(&mouth, "Thirty.");
    whole(&mouth);
    drop(mouth);
    world.begin();
    assert_eq!(world.end().await.content, [text("Thirty.")]);
}

#[tokio::test]
async fn a_server_that_stops_keeps_what_was_said() {
    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    world.begin();
    say(&mouth, "Thir");
    world.store.until(|kept| !kept.parts.is_empty()).await;
    world.engine.shutdown(Duration::from_millis(200)).await;
    let end = world.end().await;
    assert_eq!(end.content, [text("Thir")]);
    let error = end.error.unwrap();
    assert_eq!(
        (error.kind, error.retryable),
        (ChatErrorKind::Generic, true)
    );
}

#[tokio::test]
async fn an_answer_in_one_piece_is_taken_too() {
    let world = World::new(Some("fast/m-1"));
    let mouth = world.says(Answerer::Provider, 200, false);
    let body = r#"{"choices":[{"message":{"content":"Thirty."},"finish_reason":"stop"}]}"#;
    mouth.send(Ok(Bytes::from_static(body.as_bytes()))).unwrap();
    drop(mouth);
    world.begin();
    let end = world.end().await;
    assert_eq!((end.content, end.error), (vec![text("Thirty.")], None));
}

/// What is looked for may have become visible only a little later, or never.
#[tokio::test]
async fn a_turn_whose_commit_is_unsure_is_looked_for() {
    let world = World::new(None);
    let turn = world.store.kept().turn.take();
    let mouth = world.streams();
    let lease = TurnLease::new(LEASE, ());
    world.engine.begin(CHAT, lease, Begun::Perhaps);
    tokio::task::yield_now().await;
    world.store.kept().turn = turn.map(|(key, _)| (key, Some("fast/m-1".to_owned())));
    say(&mouth, "Thirty.");
    whole(&mouth);
    drop(mouth);
    assert_eq!(world.end().await.error, None);
}
