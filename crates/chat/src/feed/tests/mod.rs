//! Feeds over a chat in memory: what viewers are told, how often it is read, and who is turned away.

mod bounds;
pub(crate) mod world;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use model::{
    ChatId, LeaseId, UserId,
    chats::{ChatError, ChatErrorKind, ChatStatus, ContentPart, MessageRole},
    users::{User, UserStatus},
};
use tokio::time::sleep;
use uuid::Uuid;

use self::world::{CHAT, OTHER, OWNER, READER, World, part, soon};
use crate::{ChatEvent, ChatStream, Closed, Frame, engine::LiveTurn};

async fn frame(stream: &mut ChatStream) -> Frame {
    soon(stream.next()).await.unwrap()
}

/// Events in short.
fn short(events: &[ChatEvent]) -> Vec<String> {
    let words = |content: &[ContentPart]| model::chats::text_of(content);
    let one = |event: &ChatEvent| match event {
        ChatEvent::Message(message) => {
            let usage = if message.usage.is_some() { "$" } else { "" };
            format!("{}:{}{usage}", message.id, words(&message.content))
        }
        ChatEvent::Part(part) => {
            format!("+{}:{}", part.seq, words(std::slice::from_ref(&part.part)))
        }
        ChatEvent::Status(status) => status.to_string(),
        ChatEvent::Error(error) => format!("!{}", error.message),
        ChatEvent::Queue(queue) => format!("queue {}", queue.len()),
        ChatEvent::HistoryReset => "history_reset".to_owned(),
        ChatEvent::PreviewReset => "preview_reset".to_owned(),
    };
    events.iter().map(one).collect()
}

async fn told(stream: &mut ChatStream) -> Vec<String> {
    short(frame(stream).await.events())
}

#[tokio::test]
async fn viewers_see_what_there_is_and_what_happens() {
    let world = World::new();
    world.store.book().say(1, MessageRole::User, "How many?");
    let mut owner = world.open(OWNER, None).await.unwrap();
    let mut reader = world.open(READER, None).await.unwrap();
    assert_eq!(
        told(&mut owner).await,
        ["1:How many?", "queue 0", "running"]
    );
    assert_eq!(told(&mut reader).await, ["1:How many?", "running"]);

    world.change(|book| book.parts = vec![part(0, "Thir"), part(2, "a gap")]);
    assert_eq!(told(&mut owner).await, ["+0:Thir"]);
    assert_eq!(told(&mut reader).await, ["+0:Thir"]);

    world.change(|book| book.say(2, MessageRole::Assistant, "Thirty."));
    let end = ["preview_reset", "2:Thirty.$", "waiting"];
    assert_eq!(told(&mut owner).await, end);
    // What was used is the owner's to know.
    assert_eq!(
        told(&mut reader).await,
        ["preview_reset", "2:Thirty.", "waiting"]
    );

    world.change(|book| {
        book.forget(1);
        book.say(3, MessageRole::User, "And May?");
    });
    assert_eq!(
        told(&mut owner).await,
        ["history_reset", "3:And May?", "running"]
    );
    assert_eq!(
        told(&mut reader).await,
        ["history_reset", "3:And May?", "running"]
    );

    let error = ChatError {
        message: "$1 of $1".to_owned(),
        detail: None,
        kind: ChatErrorKind::UsageLimit,
        provider: None,
        retryable: false,
        status_code: None,
    };
    for _ in 0..2 {
        world.change(|book| {
            book.chat().versions.snapshot += 1;
            book.chat().status = ChatStatus::Error;
            book.chat().last_error = Some(error.clone());
        });
    }
    assert_eq!(told(&mut owner).await, ["error", "!$1 of $1"]);
    let shown = told(&mut reader).await;
    assert!(shown.len() == 2 && !shown[1].contains('$'), "{shown:?}");
    // Once, however often it is read.
    world.change(|book| book.say(4, MessageRole::User, "Again."));
    assert_eq!(told(&mut owner).await, ["4:Again.", "running"]);
}

#[tokio::test]
async fn who_comes_again_gets_what_is_new_or_everything() {
    let world = World::new();
    {
        let mut book = world.store.book();
        book.say(1, MessageRole::User, "a");
        book.say(2, MessageRole::Assistant, "b");
    }
    let check = async |after, expected: &[&str]| {
        let mut stream = world.open(READER, after).await.unwrap();
        assert_eq!(told(&mut stream).await, expected, "{after:?}");
    };
    check(None, &["1:a", "2:b", "waiting"]).await;
    check(Some(0), &["1:a", "2:b", "waiting"]).await;
    check(Some(1), &["2:b", "waiting"]).await;
    check(Some(2), &["waiting"]).await;
    // It was edited away, or never was.
    let anew = ["preview_reset", "history_reset", "1:a", "2:b", "waiting"];
    check(Some(7), &anew).await;
}

#[tokio::test]
async fn many_viewers_cost_one_read_and_one_writing() {
    let world = World::new();
    world.store.book().say(1, MessageRole::User, "How many?");
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(world.open(READER, None).await.unwrap());
    }
    for stream in &mut streams {
        frame(stream).await;
    }
    let before = world.reads();
    assert!(before < 20, "{before} reads for 200 who came");
    world.change(|book| book.say(2, MessageRole::Assistant, "Thirty."));
    let written = AtomicUsize::new(0);
    for stream in &mut streams {
        let frame = frame(stream).await;
        frame.text(|_, events| {
            written.fetch_add(1, Ordering::SeqCst);
            Bytes::from(events.len().to_string())
        });
    }
    assert_eq!((world.reads() - before, written.into_inner()), (1, 1));
    assert_eq!(world.opening.feeds.len(), 1);
    drop(streams);
    soon(async {
        while world.opening.feeds.len() > 0 {
            world.opening.feeds.changed(CHAT);
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_said_here_is_told_without_a_read() {
    let world = World::new();
    world.store.book().say(1, MessageRole::User, "How many?");
    let turn = world.store.book().chat().turn().unwrap();
    let live = LiveTurn::new(turn, LeaseId(Uuid::nil()));
    let _claim = world.opening.feeds.live().claim(&live);
    let mut reader = world.open(READER, None).await.unwrap();
    told(&mut reader).await;
    let before = world.reads();
    for (seq, text) in [(0, "Thir"), (1, "ty.")] {
        live.say(ContentPart::Text { text: text.into() });
        world.opening.feeds.said(CHAT);
        assert_eq!(told(&mut reader).await, [format!("+{seq}:{text}")]);
    }
    assert_eq!(world.reads(), before);
    // Who comes now sees all of it, and nothing twice.
    let mut other = world.open(OTHER, Some(1)).await.unwrap();
    assert_eq!(told(&mut other).await, ["running", "+0:Thir", "+1:ty."]);
}

#[tokio::test]
async fn only_who_may_not_look_any_more_is_turned_away() {
    let world = World::new();
    world.store.book().say(1, MessageRole::User, "How many?");
    let mut owner = world.open(OWNER, None).await.unwrap();
    let mut reader = world.open(READER, None).await.unwrap();
    let mut other = world.open(OTHER, None).await.unwrap();
    world.store.book().readers.remove(&READER);
    let looks = world.store.looks.load(Ordering::SeqCst);
    world.opening.feeds.shared(CHAT);
    // What waits for the one who is turned away is not told any more.
    soon(async { while reader.next().await.is_ok() {} }).await;
    assert_eq!(soon(reader.next()).await.unwrap_err(), Closed::Revoked);
    assert_eq!(world.store.looks.load(Ordering::SeqCst) - looks, 1);
    assert_eq!(world.open(READER, None).await.unwrap_err(), Closed::Revoked);
    for stream in [&mut owner, &mut other] {
        told(stream).await;
    }
    world.change(|book| book.say(2, MessageRole::Assistant, "Thirty."));
    for stream in [&mut owner, &mut other] {
        told(stream).await;
    }
    // Another family's ACL is none of this chat's business.
    let looks = world.store.looks.load(Ordering::SeqCst);
    world.opening.feeds.shared(ChatId(Uuid::from_u128(0xee)));
    world.change(|book| book.say(3, MessageRole::User, "?"));
    told(&mut owner).await;
    assert_eq!(world.store.looks.load(Ordering::SeqCst), looks);
    world.change(|book| book.chat = None);
    for stream in [&mut owner, &mut other] {
        let why = soon(async {
            loop {
                if let Err(why) = stream.next().await {
                    break why;
                }
            }
        });
        assert_eq!(why.await, Closed::Gone);
    }
}

/// What ends without a word, as an entry of the ACL does by its time, is found although the chat never rests.
#[tokio::test]
async fn a_busy_chat_is_looked_at_too() {
    let world = World::looking(Duration::from_millis(500));
    world.store.book().say(1, MessageRole::User, "How many?");
    let mut owner = world.open(OWNER, None).await.unwrap();
    let mut reader = world.open(READER, None).await.unwrap();
    world.store.book().readers.remove(&READER);
    let turned_away = async {
        let mut said = 1;
        loop {
            tokio::select! {
                told = reader.next() => match told {
                    Ok(_) => {}
                    Err(why) => break why,
                },
                told = owner.next() => drop(told.unwrap()),
                () = sleep(Duration::from_millis(20)) => {
                    said += 1;
                    world.change(|book| book.say(said, MessageRole::User, "And now?"));
                }
            }
        }
    };
    assert_eq!(soon(turned_away).await, Closed::Revoked);
}

#[tokio::test]
async fn whose_account_ends_is_turned_away_and_whose_rights_change_is_judged() {
    let world = World::new();
    let hub = world.opening.auth.access.clone();
    let looking = tokio::spawn(hub.clone().run(Duration::from_secs(3_600)));
    let mut reader = world.open(READER, None).await.unwrap();
    let mut other = world.open(OTHER, None).await.unwrap();
    told(&mut reader).await;
    told(&mut other).await;
    let change = |id: UserId, change: fn(&mut User)| {
        let mut state = world.people.state();
        change(state.users.iter_mut().find(|user| user.id == id).unwrap());
        drop(state);
        hub.hint(auth::AccessHint::Subject(id.0));
    };
    change(READER, |bob| bob.status = UserStatus::Suspended);
    assert_eq!(soon(reader.next()).await.unwrap_err(), Closed::Revoked);
    world.store.book().readers.remove(&OTHER);
    change(OTHER, |cem| cem.roles = vec!["auditor".to_owned()]);
    assert_eq!(soon(other.next()).await.unwrap_err(), Closed::Revoked);
    looking.abort();
}

#[tokio::test]
async fn who_is_too_slow_begins_anew_and_who_looks_when_the_server_stops_is_told() {
    let world = World::new();
    let mut slow = world.open(READER, None).await.unwrap();
    let mut quick = world.open(OTHER, None).await.unwrap();
    told(&mut slow).await;
    told(&mut quick).await;
    for id in 1..200 {
        world.change(|book| book.say(id, MessageRole::Assistant, "x"));
        told(&mut quick).await;
    }
    let all = told(&mut slow).await;
    assert_eq!(all[..2], ["preview_reset", "history_reset"]);
    assert_eq!(all.len(), 2 + 199 + 1);
    world.opening.feeds.shutdown().await;
    for stream in [&mut slow, &mut quick] {
        assert_eq!(soon(stream.next()).await.unwrap_err(), Closed::Stopping);
    }
    assert_eq!(
        world.open(READER, None).await.unwrap_err(),
        Closed::Stopping
    );
}
