//! Turns that wait because as many of their owner's run as may.

use std::time::Duration;

use model::{
    UserId,
    chats::{ChatErrorKind, TurnEnd},
};
use uuid::Uuid;

use super::{
    super::slots::Slot,
    fakes::{CHAT, key},
    world::{World, say, text, whole},
};

/// A world whose only slot is taken, and in which a turn waits for it.
async fn waiting() -> (World, Slot) {
    let world = World::with(Some("fast/m-1"), |config| config.turns_per_owner = 1);
    let slots = world.engine.slots();
    let slot = slots.free(UserId(Uuid::nil())).unwrap();
    world.begin();
    let waits = async {
        while world.store.kept().gets == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waits)
        .await
        .expect("it came in time");
    (world, slot)
}

fn asked(world: &World) -> usize {
    world.model.asked.lock().unwrap().len()
}

async fn ends(world: &World, content: &str) -> TurnEnd {
    let end = world.end().await;
    let expected = (!content.is_empty()).then(|| text(content));
    assert_eq!(end.content, Vec::from_iter(expected));
    end
}

#[tokio::test]
async fn a_turn_waits_for_its_place_and_reads_again_what_was_said() {
    let (world, slot) = waiting().await;
    let mouth = world.streams();
    say(&mouth, "Thirty.");
    whole(&mouth);
    assert_eq!(asked(&world), 0);
    drop(slot);
    assert_eq!(ends(&world, "Thirty.").await.error, None);
    assert_eq!(asked(&world), 1);
    assert!(world.store.kept().gets >= 2);
    let messages = world.model.asked.lock().unwrap()[0].1["messages"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_waits_is_interrupted_without_being_asked() {
    let (world, _slot) = waiting().await;
    world.store.kept().stopping = true;
    world.engine.heard(CHAT);
    let end = ends(&world, "").await;
    assert_eq!((end.error, asked(&world)), (None, 0));
}

#[tokio::test]
async fn who_waits_leaves_its_place_to_what_is_said_instead() {
    let (world, slot) = waiting().await;
    // It was edited.
    world.store.kept().turn = Some((key(3), Some("fast/m-1".to_owned())));
    world.begin();
    let mouth = world.streams();
    say(&mouth, "Thirty.");
    whole(&mouth);
    drop(slot);
    let ended = world.ended(1).await;
    assert_eq!((ended.len(), ended[0].0), (1, key(3)));
    assert_eq!(ended[0].1.content, [text("Thirty.")]);
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn a_server_that_stops_ends_who_waits() {
    let (world, _slot) = waiting().await;
    world.engine.shutdown(Duration::from_millis(100)).await;
    let error = ends(&world, "").await.error.unwrap();
    assert_eq!(
        (error.kind, error.retryable),
        (ChatErrorKind::Generic, true)
    );
    assert_eq!(asked(&world), 0);
}

/// In the moment between the look whether the server stops and the next one.
#[tokio::test]
async fn a_server_that_stops_while_a_turn_is_admitted_ends_it() {
    let (world, slot) = waiting().await;
    world.store.kept().stops = Some(world.engine.0.stop.clone());
    drop(slot);
    let error = ends(&world, "").await.error.unwrap();
    assert!(error.message.contains("server was stopped"), "{error:?}");
    assert_eq!((world.store.kept().gets, asked(&world)), (2, 0));
}

#[tokio::test]
async fn a_turn_that_cannot_be_read_any_more_leaves_its_place() {
    let (world, slot) = waiting().await;
    world.store.kept().unreadable = usize::MAX;
    drop(slot);
    let error = ends(&world, "").await.error.unwrap();
    assert_eq!(
        (error.kind, error.retryable),
        (ChatErrorKind::Generic, true)
    );
    assert_eq!(asked(&world), 0);
    let owner = UserId(Uuid::nil());
    let slots = world.engine.slots();
    let place = tokio::time::timeout(Duration::from_secs(20), slots.next(owner)).await;
    drop(place.expect("it is free again"));
}
