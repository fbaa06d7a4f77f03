//! What an answer may be, and how long it is waited for.

use std::{sync::atomic::Ordering, time::Duration};

use model::chats::{ChatErrorKind, ContentPart};

use super::world::{Mouth, World, mumbles, say, stops, text, think, thought, whole};

const NEVER: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(100);

fn length(content: &[ContentPart]) -> usize {
    let length = |part: &ContentPart| match part {
        ContentPart::Text { text } | ContentPart::Reasoning { text } => text.len(),
        other => panic!("{other:?}"),
    };
    content.iter().map(length).sum()
}

/// An answer that is too long ends, what was said is kept, and nobody listens any more.
async fn too_long(world: World, mouth: Mouth) -> Vec<ContentPart> {
    let end = world.end().await;
    let error = end.error.unwrap();
    assert_eq!(
        (error.kind, error.retryable),
        (ChatErrorKind::Generic, false)
    );
    assert!(
        error.message.contains("too long for one message"),
        "{error:?}"
    );
    assert!(mouth.is_closed());
    assert_eq!(world.model.open.load(Ordering::SeqCst), 0);
    end.content
}

#[tokio::test]
async fn an_answer_of_too_many_words_ends_with_those_that_there_is_room_for() {
    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    // Of three bytes each, so that the bound falls into one.
    let many = "\u{65e5}".repeat(20_000);
    for _ in 0..18 {
        say(&mouth, &many);
    }
    world.begin();
    let content = too_long(world, mouth).await;
    assert_eq!(length(&content), 1024 * 1024 / 3 * 3);
}

#[tokio::test]
async fn an_answer_of_too_many_parts_ends_with_those_that_there_is_room_for() {
    let world = World::with(Some("fast/m-1"), |config| config.say_every = Duration::ZERO);
    let mouth = world.streams();
    for _ in 0..5_001 {
        think(&mouth, "a");
        say(&mouth, "b");
    }
    world.begin();
    let content = too_long(world, mouth).await;
    assert_eq!(content.len(), 10_000);
}

/// However often the tone changes, what is told together makes few parts, and no word is lost.
#[tokio::test]
async fn what_is_told_together_is_joined_by_its_tone() {
    let world = World::with(Some("fast/m-1"), |config| config.say_every = NEVER);
    let mouth = world.streams();
    for _ in 0..1_000 {
        think(&mouth, "ab");
        say(&mouth, "c");
    }
    whole(&mouth);
    world.begin();
    let end = world.end().await;
    assert_eq!(length(&end.content), 3_000);
    assert!(end.content.len() <= 5, "{}", end.content.len());

    let world = World::with(Some("fast/m-1"), |config| config.say_every = NEVER);
    let mouth = world.streams();
    say(&mouth, "one");
    think(&mouth, "two");
    think(&mouth, " three");
    say(&mouth, "four");
    whole(&mouth);
    world.begin();
    let end = world.end().await;
    let expected = [text("one"), thought("two three"), text("four")];
    assert_eq!(end.content, expected);
}

#[tokio::test]
async fn comments_do_not_put_off_the_end_for_ever() {
    let world = World::with(Some("fast/m-1"), |config| {
        (config.silence, config.wordless) = (NEVER, SOON);
    });
    let mouth = world.streams();
    say(&mouth, "Thir");
    mumbles(mouth);
    world.begin();
    let end = world.end().await;
    assert_eq!(end.content, [text("Thir")]);
    let error = end.error.unwrap();
    assert_eq!(error.kind, ChatErrorKind::StreamSilenceTimeout);
}

#[tokio::test]
async fn what_follows_the_end_is_waited_for_a_moment_and_nothing_after_the_last_word() {
    let world = World::with(Some("fast/m-1"), |config| {
        (config.silence, config.trailing) = (NEVER, SOON);
    });
    let mouth = world.streams();
    say(&mouth, "Thirty.");
    stops(&mouth);
    mumbles(mouth);
    world.begin();
    let end = world.end().await;
    assert_eq!((end.content, end.error), (vec![text("Thirty.")], None));

    let world = World::with(Some("fast/m-1"), |config| {
        (config.silence, config.trailing) = (NEVER, NEVER);
    });
    let mouth = world.streams();
    say(&mouth, "Thirty.");
    stops(&mouth);
    whole(&mouth);
    mumbles(mouth);
    world.begin();
    let end = world.end().await;
    assert_eq!((end.content, end.error), (vec![text("Thirty.")], None));
    assert_eq!(end.usage.unwrap().input_tokens, 7);
}

#[tokio::test]
async fn a_turn_has_an_end() {
    let world = World::with(Some("fast/m-1"), |config| config.turn_max = SOON);
    let mouth = world.streams();
    say(&mouth, "Thir");
    mumbles(mouth);
    world.begin();
    let end = world.end().await;
    assert_eq!(end.content, [text("Thir")]);
    let error = end.error.unwrap();
    assert_eq!(
        (error.kind, error.retryable),
        (ChatErrorKind::Timeout, true)
    );
    assert_eq!(world.model.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_without_words_is_an_error() {
    for words in ["", " \\n"] {
        let world = World::new(Some("fast/m-1"));
        let mouth = world.streams();
        say(&mouth, words);
        stops(&mouth);
        whole(&mouth);
        world.begin();
        let error = world.end().await.error.unwrap();
        assert!(error.message.contains("answer was empty"), "{error:?}");
        assert_eq!(
            (error.kind, error.retryable),
            (ChatErrorKind::Generic, true)
        );
    }
    // How the model came to it is worth reading too.
    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    think(&mouth, "hm");
    whole(&mouth);
    world.begin();
    assert_eq!(world.end().await.error, None);
}

/// A look that panics keeps neither the next one nor the looks for something else from coming.
#[tokio::test]
async fn looks_go_on_after_a_mistake_of_ours() {
    let world = World::with(Some("fast/m-1"), |config| {
        config.sweep_every = Duration::from_millis(5);
    });
    world.store.kept().panics = 2;
    world.store.until(|kept| kept.sweeps > 2).await;
    let mouth = world.streams();
    world.begin();
    say(&mouth, "Thir");
    world.store.until(|kept| !kept.parts.is_empty()).await;
    world.store.kept().stopping = true;
    assert_eq!(world.end().await.error, None);
}
