//! What many viewers may cost: memory by how much was said, and statements by how often it is looked.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use model::{ChatId, chats::MessageRole};
use uuid::Uuid;

use super::super::lane::BEHIND_BYTES;
use super::{
    frame, short, told,
    world::{CHAT, OTHER, OWNER, READER, World, part, soon},
};
use crate::{
    ChatStream, Closed, Frame,
    events::FRAME_BYTES,
    seats::{HEAVIER, Seats},
};

const NEVER: Duration = Duration::from_secs(3_600);

/// Reads a stream until it tells what the chat does.
async fn whole(stream: &mut ChatStream) -> Vec<Frame> {
    until(stream, "waiting").await
}

/// Reads a stream until this is told.
async fn until(stream: &mut ChatStream, last: &str) -> Vec<Frame> {
    let mut frames = Vec::new();
    loop {
        frames.push(frame(stream).await);
        let events = frames.last().unwrap().events();
        if short(events).iter().any(|event| event == last) {
            return frames;
        }
    }
}

fn words(frames: &[Frame]) -> Vec<String> {
    let events = frames.iter().flat_map(|frame| short(frame.events()));
    events
        .map(|event| event.chars().take(40).collect())
        .collect()
}

#[tokio::test]
async fn whoever_begins_wherever_holds_the_same_frames() {
    let world = World::new();
    let long = "x".repeat(FRAME_BYTES / 4);
    {
        let mut book = world.store.book();
        for id in 1..=20 {
            book.say(id, MessageRole::Assistant, &long);
        }
    }
    let mut all = world.open(OTHER, None).await.unwrap();
    let all = whole(&mut all).await;
    assert!(all.len() > 5, "{all:?}");
    let ids = |frames: &[Frame]| frames.iter().map(Frame::address).collect::<BTreeSet<_>>();
    let (known, mut others) = (ids(&all), BTreeSet::new());
    for after in 1..20 {
        let mut stream = world.open(READER, Some(after)).await.unwrap();
        let frames = whole(&mut stream).await;
        let first = words(&frames)[0].clone();
        assert!(first.starts_with(&format!("{}:", after + 1)), "{first}");
        let own: Vec<_> = ids(&frames).difference(&known).copied().collect();
        // The one in which they begin, and the last.
        assert!(own.len() <= 2, "after {after}: {} frames", own.len());
        others.extend(ids(&frames));
    }
    // What nobody can know is one beginning for all.
    let (mut lost, mut held) = (BTreeSet::new(), Vec::new());
    for after in 1_000..1_100 {
        let mut stream = world.open(READER, Some(after)).await.unwrap();
        let frames = whole(&mut stream).await;
        assert_eq!(words(&frames)[..2], ["preview_reset", "history_reset"]);
        assert_eq!(words(&frames).len(), 2 + 20 + 1);
        lost.extend(ids(&frames));
        held.push(frames);
    }
    assert!(lost.len() <= all.len() + 2, "{} frames", lost.len());
    // Nor does it take more when something is said in between.
    let mut later = BTreeSet::new();
    for id in 21..30 {
        world.change(|book| book.say(id, MessageRole::Assistant, "and"));
        let mut stream = world.open(READER, None).await.unwrap();
        let frames = whole(&mut stream).await;
        later.extend(ids(&frames[..all.len() - 2]));
    }
    assert!(later.is_subset(&known), "what was said stays as it was");
}

#[tokio::test]
async fn an_edit_is_in_the_frames_of_who_comes_after_it() {
    let world = World::new();
    let long = "x".repeat(FRAME_BYTES / 3);
    {
        let mut book = world.store.book();
        for id in 1..=9 {
            book.say(id, MessageRole::Assistant, &long);
        }
    }
    let mut reader = world.open(READER, None).await.unwrap();
    assert_eq!(words(&whole(&mut reader).await).len(), 9 + 1);
    world.change(|book| {
        book.forget(5);
        book.say(10, MessageRole::Assistant, "instead");
    });
    // Everything once more, in frames that are not too large.
    let again = until(&mut reader, "10:instead").await;
    let check = |frames: &[Frame], expected: &[&str]| {
        let words = words(frames);
        assert_eq!(words.len(), expected.len(), "{words:?}");
        let same = |(word, expected): (&String, &&str)| word.starts_with(*expected);
        assert!(words.iter().zip(expected).all(same), "{words:?}");
        assert!(frames.len() > 1);
    };
    let now = [
        "history_reset",
        "1:",
        "2:",
        "3:",
        "4:",
        "10:instead",
        "waiting",
    ];
    check(&again, &now[..6]);
    let mut other = world.open(OTHER, None).await.unwrap();
    check(&whole(&mut other).await, &now[1..]);
    let mut owner = world.open(OWNER, Some(4)).await.unwrap();
    let shown = words(&whole(&mut owner).await);
    assert_eq!(shown, ["10:instead$", "queue 0", "waiting"]);
}

/// However many chats are followed from another server, one statement asks about all of them, and none is read while
/// nothing but its turn goes on.
#[tokio::test]
async fn following_many_chats_costs_what_following_one_does() {
    const CHATS: u128 = 60;
    let world = World::following(NEVER, Duration::from_millis(5));
    world.store.book().say(1, MessageRole::User, "How many?");
    let mut streams = Vec::new();
    for id in 0..CHATS {
        let chat = ChatId(Uuid::from_u128(0xf000 + id));
        let mut stream = world.open_at(READER, chat, None).await.unwrap();
        assert_eq!(told(&mut stream).await, ["1:How many?", "running"]);
        streams.push(stream);
    }
    let follows = || world.store.follows.lock().unwrap().clone();
    let read = world.reads();
    for seq in 0..5 {
        world.store.book().parts.push(part(seq, "word"));
        for stream in &mut streams {
            assert_eq!(told(stream).await, [format!("+{seq}:word")]);
        }
    }
    assert_eq!(world.reads(), read, "parts come without a read");
    let asked = follows();
    let chats = usize::try_from(CHATS).unwrap();
    assert!(asked.iter().all(|turns| *turns <= chats));
    assert_eq!(asked.last(), Some(&chats));
    // Each is read when something else has happened, although nobody heard of it.
    world.store.book().say(2, MessageRole::Assistant, "Thirty.");
    for stream in &mut streams {
        let end = ["preview_reset", "2:Thirty.", "waiting"];
        assert_eq!(told(stream).await, end);
    }
    let again = world.reads() - read;
    assert!((chats..=chats * 2).contains(&again), "{again} reads");
    // Where no turn runs there is nothing to ask.
    soon(async {
        while world.opening.feeds.follows() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let asked = follows().len();
    world.change(|book| book.say(3, MessageRole::Assistant, "Or thirty-one."));
    world.opening.feeds.changed(CHAT);
    for id in 0..CHATS {
        world
            .opening
            .feeds
            .changed(ChatId(Uuid::from_u128(0xf000 + id)));
    }
    for stream in &mut streams {
        told(stream).await;
    }
    assert_eq!(follows().len(), asked);
    assert_eq!(world.store.looks.load(Ordering::SeqCst), chats);
}

/// What is held back for the slow is bounded by bytes as well; nobody else sees anything of it.
#[tokio::test]
async fn who_is_many_bytes_behind_begins_anew_and_holds_nothing_back() {
    const LONG: usize = BEHIND_BYTES / 10;
    let world = World::new();
    let mut slow = world.open(READER, None).await.unwrap();
    let mut quick = world.open(OTHER, None).await.unwrap();
    told(&mut slow).await;
    told(&mut quick).await;
    let mut held = Vec::new();
    for id in 1..=30 {
        let long = "x".repeat(LONG);
        world.change(|book| book.say(id, MessageRole::Assistant, &long));
        let frame = frame(&mut quick).await;
        let first = words(std::slice::from_ref(&frame))[0].clone();
        assert!(first.starts_with(&format!("{id}:")), "{first}");
        held.push(frame.held());
    }
    let kept = held.iter().filter(|held| held()).count();
    assert!((5..=10).contains(&kept), "{kept} frames are held back");
    let all = until(&mut slow, "waiting").await;
    assert_eq!(words(&all)[..2], ["preview_reset", "history_reset"]);
    assert_eq!(words(&all).len(), 2 + 30 + 1);
    // From there on it goes on as for anybody.
    world.change(|book| book.say(31, MessageRole::Assistant, "and"));
    for stream in [&mut slow, &mut quick] {
        assert_eq!(told(stream).await, ["31:and"]);
    }
    assert!(!held.iter().any(|held| held()), "nobody needs them");
}

/// Whoever opened more chats than would fit as they are now loses those that have grown.
#[tokio::test]
async fn streams_weigh_more_when_their_chat_grows() {
    let world = World::new();
    let seats = Seats::default();
    let small = || seats.take(READER, 0, 3);
    let (first, second) = (small().unwrap(), small().unwrap());
    let mut reader = world.open_sitting(READER, first, CHAT, None).await.unwrap();
    let mut other = world.open(OTHER, None).await.unwrap();
    told(&mut reader).await;
    told(&mut other).await;
    let long = "x".repeat(HEAVIER);
    world.change(|book| book.say(1, MessageRole::Assistant, &long));
    for stream in [&mut reader, &mut other] {
        frame(stream).await;
    }
    assert!(small().is_none(), "three are taken");
    // Less is said again, after an edit.
    world.change(|book| book.forget(1));
    for stream in [&mut reader, &mut other] {
        assert_eq!(told(stream).await, ["history_reset"]);
    }
    let third = small().unwrap();
    world.change(|book| book.say(2, MessageRole::Assistant, &long));
    let why = async { while reader.next().await.is_ok() {} };
    soon(why).await;
    assert_eq!(soon(reader.next()).await.unwrap_err(), Closed::Behind);
    frame(&mut other).await;
    drop((reader, third, second));
    // Who has no other keeps it.
    let mut alone = world
        .open_sitting(READER, small().unwrap(), CHAT, None)
        .await
        .unwrap();
    frame(&mut alone).await;
    let more = "x".repeat(HEAVIER * 5);
    world.change(|book| book.say(3, MessageRole::Assistant, &more));
    for stream in [&mut alone, &mut other] {
        frame(stream).await;
    }
    assert!(small().is_none());
}
