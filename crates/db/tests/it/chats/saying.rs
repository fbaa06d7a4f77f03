//! What each step does to a chat: what it does next, its versions, and the revisions of what is said.

use model::chats::{
    Chat, ChatMessage,
    ChatStatus::{self, Error, Interrupting, Running, Waiting},
    ChatVersions, MessageId, MessageWindow, QUEUE_MAX, QueuedId, TurnEnd, text_of,
};
use store::{StoreError, chat_messages::SeenVersions};

use super::{Scene, answer, saying};
use crate::support::{begin, read};

/// What a chat does, and its versions: snapshot, history, queue, attempt.
fn at(chat: &Chat) -> (ChatStatus, [i64; 4]) {
    let ChatVersions {
        snapshot,
        history,
        queue,
        attempt,
    } = chat.versions;
    (chat.status, [snapshot, history, queue, attempt])
}

#[tokio::test]
async fn every_step_raises_its_versions() {
    let scene = Scene::new().await;
    let chat = scene.chat(scene.team.ada, "hello").await;
    let check = async |expected: (ChatStatus, [i64; 4])| {
        assert_eq!(at(&scene.get(chat.id).await), expected);
    };
    check((Running, [1, 1, 0, 1])).await;
    // It waits behind the turn.
    let mut unit = begin(scene.store()).await;
    let first = unit
        .chat_queue_create(chat.id, &saying("q1"))
        .await
        .unwrap();
    let second = unit
        .chat_queue_create(chat.id, &saying("q2"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    check((Running, [3, 1, 3, 1])).await;
    let mut unit = begin(scene.store()).await;
    assert!(unit.chat_queue_promote(chat.id, second.id).await.unwrap());
    assert!(!unit.chat_queue_promote(chat.id, QueuedId(0)).await.unwrap());
    unit.chat_interrupt(chat.id).await.unwrap();
    unit.commit().await.unwrap();
    check((Interrupting, [5, 1, 4, 1])).await;
    // What was said so far is kept, and the first that waits begins the next turn at the same server.
    let next = scene.finish(&chat, &answer("so f")).await.unwrap();
    check((Running, [7, 7, 7, 1])).await;
    assert_eq!(scene.get(chat.id).await.turn(), Some(next));
    let mut unit = begin(scene.store()).await;
    assert!(unit.chat_queue_delete(chat.id, first.id).await.unwrap());
    assert!(!unit.chat_queue_delete(chat.id, first.id).await.unwrap());
    unit.commit().await.unwrap();
    check((Running, [8, 7, 8, 1])).await;
    assert_eq!(scene.finish(&chat, &answer("and on")).await, None);
    check((Waiting, [9, 9, 8, 0])).await;
    let mut unit = begin(scene.store()).await;
    let said = unit
        .chat_message_create(chat.id, &saying("again"), scene.lease)
        .await;
    let said = said.unwrap();
    // Nothing runs that could be stopped twice.
    unit.chat_interrupt(chat.id).await.unwrap();
    unit.chat_interrupt(chat.id).await.unwrap();
    unit.commit().await.unwrap();
    check((Interrupting, [11, 10, 8, 1])).await;
    assert_eq!(said.revision, 10);
    // A turn that said nothing changes no history.
    scene
        .finish(
            &chat,
            &TurnEnd {
                content: vec![],
                ..answer("")
            },
        )
        .await;
    check((Waiting, [12, 10, 8, 1])).await;
    let said = scene.messages(chat.id).await;
    let said: Vec<_> = said
        .iter()
        .map(|one| (text_of(&one.content), one.revision))
        .collect();
    let expected = [
        ("hello", 1),
        ("so f", 6),
        ("q2", 7),
        ("and on", 9),
        ("again", 10),
    ];
    assert_eq!(
        said,
        expected.map(|(text, revision)| (text.to_owned(), revision))
    );
}

#[tokio::test]
async fn an_edit_forgets_what_came_after_and_what_waits() {
    let scene = Scene::new().await;
    let chat = scene.quiet(scene.team.ada, "one").await;
    let mut unit = begin(scene.store()).await;
    let two = unit
        .chat_message_create(chat.id, &saying("two"), scene.lease)
        .await;
    let two = two.unwrap();
    unit.chat_queue_create(chat.id, &saying("three"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let old = scene.get(chat.id).await.turn().unwrap();
    let before = scene.messages(chat.id).await;
    let mut unit = begin(scene.store()).await;
    let edited = unit
        .chat_message_replace(chat.id, before[1].id, &saying("TWO"), scene.lease)
        .await;
    let (gone, new) = edited.unwrap();
    assert_eq!(gone, [before[1].id, two.id]);
    assert_eq!(unit.chat_queue_count(chat.id).await.unwrap(), 0);
    unit.commit().await.unwrap();
    let now = scene.get(chat.id).await;
    assert_eq!(at(&now), (Running, [5, 5, 5, 1]));
    assert_eq!(new.revision, 5);
    // Rows stay for who has seen them, marked.
    let seen = SeenVersions {
        revision: 4,
        ..SeenVersions::default()
    };
    let mut unit = read(scene.store()).await;
    let news = unit.chat_news_get(chat.id, &seen).await.unwrap().unwrap();
    let told = |messages: &[ChatMessage]| {
        let told = messages
            .iter()
            .map(|one| (one.id, one.deleted, one.revision));
        told.collect::<Vec<_>>()
    };
    let last = (new.id, false, 5);
    assert_eq!(
        told(&news.messages),
        [(gone[0], true, 5), (gone[1], true, 5), last]
    );
    let all = scene.messages(chat.id).await;
    assert_eq!(told(&all), [(before[0].id, false, 1), last]);
    // The turn that ran is over: nothing that it says is anybody's.
    let mut unit = begin(scene.store()).await;
    assert_eq!(
        unit.chat_turn_finish(old, scene.lease, &answer("late"))
            .await
            .unwrap(),
        None
    );
    unit.commit().await.unwrap();
    assert_eq!(scene.get(chat.id).await, now);
    let mut unit = begin(scene.store()).await;
    let message = unit.chat_message_get(chat.id, gone[0]).await.unwrap();
    assert!(message.unwrap().deleted);
    assert_eq!(
        unit.chat_message_get(chat.id, MessageId(0)).await.unwrap(),
        None
    );
    // Without a queue the queue has not changed.
    unit.chat_message_replace(chat.id, new.id, &saying("2"), scene.lease)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert_eq!(at(&scene.get(chat.id).await), (Running, [6, 6, 5, 1]));
}

#[tokio::test]
async fn a_turn_that_failed_shows_why_until_something_is_said() {
    let scene = Scene::new().await;
    let chat = scene.chat(scene.team.ada, "hello").await;
    let mut unit = begin(scene.store()).await;
    unit.chat_queue_create(chat.id, &saying("q1"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let error = super::finishing::error();
    let failed = TurnEnd {
        error: Some(error.clone()),
        ..answer("half")
    };
    assert_eq!(scene.finish(&chat, &failed).await, None);
    let found = scene.get(chat.id).await;
    assert_eq!(
        (found.status, found.last_error.as_ref()),
        (Error, Some(&error))
    );
    // What waits goes on waiting, until more is said.
    let mut unit = begin(scene.store()).await;
    assert_eq!(unit.chat_queue_count(chat.id).await.unwrap(), 1);
    let said = unit
        .chat_queue_take(chat.id, scene.lease)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(text_of(&said.content), "q1");
    unit.chat_queue_create(chat.id, &saying("q2"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let found = scene.get(chat.id).await;
    assert_eq!((found.status, found.last_error), (Running, None));
    let mut unit = begin(scene.store()).await;
    assert!(
        unit.chat_queue_take(chat.id, scene.lease)
            .await
            .unwrap()
            .is_some()
    );
    let before = unit.chat_get(chat.id, None).await.unwrap();
    assert_eq!(
        unit.chat_queue_take(chat.id, scene.lease).await.unwrap(),
        None
    );
    assert_eq!(unit.chat_get(chat.id, None).await.unwrap(), before);
}

#[tokio::test]
async fn so_many_messages_wait_and_no_more_in_their_order() {
    let scene = Scene::new().await;
    let chat = scene.chat(scene.team.ada, "hello").await;
    let mut unit = begin(scene.store()).await;
    let mut ids = Vec::new();
    for number in 0..QUEUE_MAX {
        let one = unit
            .chat_queue_create(chat.id, &saying(&number.to_string()))
            .await;
        ids.push(one.unwrap().id);
    }
    let last = ids[usize::try_from(QUEUE_MAX).unwrap() - 1];
    assert!(unit.chat_queue_promote(chat.id, last).await.unwrap());
    assert!(unit.chat_queue_promote(chat.id, ids[7]).await.unwrap());
    assert!(unit.chat_queue_promote(chat.id, ids[7]).await.unwrap());
    unit.commit().await.unwrap();
    let waiting = read(scene.store()).await.chat_queue_list(chat.id).await;
    let waiting: Vec<_> = waiting.unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(waiting[..4], [ids[7], last, ids[0], ids[1]]);
    let mut unit = begin(scene.store()).await;
    let full = unit.chat_queue_create(chat.id, &saying("one more")).await;
    assert!(matches!(full, Err(StoreError::Refused(_))), "{full:?}");
}

#[tokio::test]
async fn pages_of_messages_go_both_ways() {
    let scene = Scene::new().await;
    let chat = scene.chat(scene.team.ada, "1").await;
    for text in ["2", "3", "4", "5"] {
        scene
            .finish(
                &chat,
                &TurnEnd {
                    content: vec![],
                    ..answer("")
                },
            )
            .await;
        let mut unit = begin(scene.store()).await;
        unit.chat_message_create(chat.id, &saying(text), scene.lease)
            .await
            .unwrap();
        unit.commit().await.unwrap();
    }
    let all = scene.messages(chat.id).await;
    let [two, five] = [1, 4].map(|place: usize| Some(all[place].id));
    let check = async |after, before, limit, expected: &[&str], more| {
        let window = MessageWindow {
            before,
            after,
            limit,
        };
        let mut unit = read(scene.store()).await;
        let page = unit.chat_message_list(chat.id, &window).await.unwrap();
        let texts: Vec<_> = page
            .messages
            .iter()
            .map(|one| text_of(&one.content))
            .collect();
        assert_eq!(
            (texts, page.has_more),
            (expected.iter().map(|one| (*one).to_owned()).collect(), more)
        );
    };
    check(None, None, 9, &["5", "4", "3", "2", "1"], false).await;
    check(None, None, 5, &["5", "4", "3", "2", "1"], false).await;
    check(None, None, 2, &["5", "4"], true).await;
    check(None, five, 2, &["4", "3"], true).await;
    check(two, None, 2, &["3", "4"], true).await;
    check(two, None, 3, &["3", "4", "5"], false).await;
    check(two, five, 9, &["4", "3"], false).await;
    check(two, five, 1, &["4"], true).await;
}
