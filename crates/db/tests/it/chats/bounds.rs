//! How large chats, families and people's files are: counted in step with what is in them.

use std::sync::Arc;

use db::local::LocalRole;
use model::{
    ChatFileId, ChatId,
    chats::{
        Chat, ChatSize, ContentPart, MessageId, MessageRole, NewMessage, PROMPT_PAGE_BYTES,
        ViewerUpdate, Visibility,
    },
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Scene, answer, files, make, saying, words};
use crate::support::{APP_ROLE, begin, read};

const UP: &str = include_str!("../../../../../migrations/2026-11-26-180000_bound_chats/up.sql");
const DOWN: &str = include_str!("../../../../../migrations/2026-11-26-180000_bound_chats/down.sql");

async fn size(scene: &Scene, chat: ChatId) -> ChatSize {
    let mut unit = read(scene.store()).await;
    unit.chat_size_get(chat).await.unwrap()
}

/// Checks that a chat is as large as what is in it, and has so many messages.
async fn in_step(scene: &Scene, chat: ChatId, messages: u64) -> ChatSize {
    let counted = size(scene, chat).await;
    let said = format!(
        "SELECT octet_length(content::text)::bigint AS bytes FROM chat_messages WHERE chat_id = '{chat}' AND NOT deleted \
         UNION ALL SELECT octet_length(content::text)::bigint FROM chat_queued_messages WHERE chat_id = '{chat}'"
    );
    let bytes = format!("SELECT coalesce(sum(bytes), 0)::bigint FROM ({said}) AS said");
    let bytes = scene.count(&bytes).await;
    let number = scene
        .count(&format!("SELECT count(*) FROM ({said}) AS said"))
        .await;
    let found = ChatSize {
        bytes: u64::try_from(bytes).unwrap(),
        messages: u64::try_from(number).unwrap(),
    };
    assert_eq!((counted, counted.messages), (found, messages));
    counted
}

#[tokio::test]
async fn a_chat_is_as_large_as_what_is_said_and_waits_in_it() {
    let scene = Scene::new().await;
    let other = scene.chat(scene.team.ada, "other").await;
    let before = in_step(&scene, other.id, 1).await;
    let mut new = scene.new_chat(scene.team.ada, "hello");
    new.messages.insert(
        0,
        NewMessage {
            role: MessageRole::System,
            visibility: Visibility::Model,
            ..saying("be brief")
        },
    );
    let chat = make(scene.store(), &new).await;
    in_step(&scene, chat.id, 2).await;
    let mut unit = begin(scene.store()).await;
    let mut waiting = Vec::new();
    for text in ["one", "two", "three"] {
        let queued = unit.chat_queue_create(chat.id, &saying(text)).await;
        waiting.push(queued.unwrap().id);
    }
    unit.commit().await.unwrap();
    let full = in_step(&scene, chat.id, 5).await;
    // What waits has its room already: another order, and saying it, change nothing.
    let mut unit = begin(scene.store()).await;
    assert!(unit.chat_queue_promote(chat.id, waiting[2]).await.unwrap());
    unit.chat_queue_take(chat.id, scene.lease).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(in_step(&scene, chat.id, 5).await, full);
    let mut unit = begin(scene.store()).await;
    assert!(unit.chat_queue_delete(chat.id, waiting[0]).await.unwrap());
    unit.commit().await.unwrap();
    assert!(in_step(&scene, chat.id, 4).await.bytes < full.bytes);
    // An answer, and the next that waits.
    scene.finish(&chat, &answer("yes")).await.unwrap();
    in_step(&scene, chat.id, 5).await;
    let mut unit = begin(scene.store()).await;
    unit.chat_queue_create(chat.id, &saying("four"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    in_step(&scene, chat.id, 6).await;
    // An edit gives the room of all that it forgets back, also of what waits.
    let from = scene.messages(chat.id).await[0].id;
    let mut unit = begin(scene.store()).await;
    let replaced = unit
        .chat_message_replace(chat.id, from, &saying("HELLO"), scene.lease)
        .await;
    replaced.unwrap();
    unit.commit().await.unwrap();
    in_step(&scene, chat.id, 2).await;
    // A unit that is given up has taken no room.
    let mut unit = begin(scene.store()).await;
    unit.chat_queue_create(chat.id, &saying("never"))
        .await
        .unwrap();
    assert_eq!(unit.chat_size_get(chat.id).await.unwrap().messages, 3);
    drop(unit);
    in_step(&scene, chat.id, 2).await;
    assert_eq!(in_step(&scene, other.id, 1).await, before);
    let gone = format!(
        "DELETE FROM chat_messages WHERE chat_id = '{}' AND role = 'user'",
        chat.id
    );
    by_hand(&scene, &gone).await;
    in_step(&scene, chat.id, 1).await;
    by_hand(
        &scene,
        &format!("DELETE FROM chats WHERE id = '{}'", chat.id),
    )
    .await;
    assert_eq!(size(&scene, chat.id).await, ChatSize::default());
    let left = "SELECT count(*) FROM chat_sizes AS s WHERE NOT EXISTS (SELECT FROM chats WHERE id = s.chat_id)";
    assert_eq!(scene.count(left).await, 0);
}

async fn by_hand(scene: &Scene, statement: &str) {
    let owner = scene.team.db.client(LocalRole::Owner).await;
    let statement = format!("SET bursar.actor_name = 'by hand'; {statement}");
    owner.batch_execute(&statement).await.unwrap();
}

#[tokio::test]
async fn what_was_said_before_there_were_sizes_is_counted() {
    let scene = Scene::new().await;
    let chat = scene.quiet(scene.team.ada, "hello").await;
    let from = scene.messages(chat.id).await[1].id;
    let mut unit = begin(scene.store()).await;
    let replaced = unit
        .chat_message_replace(chat.id, from, &saying("again"), scene.lease)
        .await;
    let (_, last) = replaced.unwrap();
    unit.chat_queue_create(chat.id, &saying("waits"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let empty = scene.chat(scene.team.ada, "empty").await;
    let before = in_step(&scene, chat.id, 3).await;
    by_hand(&scene, DOWN).await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let looks = format!(
        "DELETE FROM chat_messages WHERE chat_id = '{1}'; \
         INSERT INTO chat_viewers (chat_id, user_id, last_read_message_id) VALUES \
             ('{0}', '{ada}', {2}), ('{0}', '{bob}', 1), ('{1}', '{ada}', {2}), ('{1}', '{bob}', NULL)",
        chat.id,
        empty.id,
        i64::MAX
    );
    by_hand(&scene, &looks).await;
    by_hand(&scene, UP).await;
    by_hand(
        &scene,
        &format!("SELECT bursar_grant_application('{APP_ROLE}')"),
    )
    .await;
    assert_eq!(in_step(&scene, chat.id, 3).await, before);
    assert_eq!(size(&scene, empty.id).await, ChatSize::default());
    let read = async |chat: ChatId, user| {
        let read = format!(
            "SELECT coalesce(last_read_message_id, -1) FROM chat_viewers WHERE chat_id = '{chat}' AND user_id = '{user}'"
        );
        scene.count(&read).await
    };
    assert_eq!(read(chat.id, ada).await, last.id.0);
    assert_eq!(read(chat.id, bob).await, 1);
    assert_eq!(
        (read(empty.id, ada).await, read(empty.id, bob).await),
        (0, -1)
    );
}

#[tokio::test]
async fn nobody_has_read_what_is_not_said_yet() {
    let scene = Scene::new().await;
    let ada = scene.team.ada;
    let chat = scene.quiet(ada, "hello").await;
    let look = async |last: Option<i64>, hidden| {
        let update = ViewerUpdate {
            last_read: last.map(MessageId),
            hidden,
            ..ViewerUpdate::default()
        };
        let mut unit = begin(scene.store()).await;
        unit.chat_viewer_update(chat.id, ada, &update)
            .await
            .unwrap();
        unit.commit().await.unwrap();
        scene.seen_by(ada, chat.id).await.has_unread
    };
    assert!(
        look(None, Some(false)).await,
        "nothing is read by being kept in sight"
    );
    assert!(!look(Some(i64::MAX), None).await);
    let mut unit = begin(scene.store()).await;
    let said = unit
        .chat_message_create(chat.id, &saying("more"), scene.lease)
        .await;
    said.unwrap();
    unit.commit().await.unwrap();
    scene.finish(&chat, &answer("yes")).await;
    assert!(
        scene.seen_by(ada, chat.id).await.has_unread,
        "the new answer is"
    );
    let last = scene.messages(chat.id).await.pop().unwrap().id.0;
    assert!(look(Some(last - 1), None).await);
    assert!(!look(Some(last), None).await);
    assert!(!look(Some(1), None).await, "it never goes back");
}

/// A chat with six prompts, one of them larger than a page and one without a text, and their ids.
async fn scene_with_prompts(scene: &Scene) -> (Chat, Vec<MessageId>) {
    let mut new = scene.new_chat(scene.team.ada, "first");
    new.messages.insert(
        0,
        NewMessage {
            role: MessageRole::System,
            visibility: Visibility::Model,
            ..saying("be brief")
        },
    );
    let chat = make(scene.store(), &new).await;
    let part = usize::try_from(PROMPT_PAGE_BYTES).unwrap();
    let reference = ContentPart::FileReference {
        file_name: "a.rs".to_owned(),
        start_line: 1,
        end_line: 2,
        content: "fn".to_owned(),
    };
    let two = [words("two"), vec![reference.clone()], words("texts")].concat();
    let mut ids = vec![scene.messages(chat.id).await[0].id];
    for content in [
        words(&"x".repeat(part * 2)),
        words(&"y".repeat(part / 2)),
        words(&"z".repeat(part / 3)),
        vec![reference],
        two,
    ] {
        scene.finish(&chat, &answer("an answer")).await;
        let mut unit = begin(scene.store()).await;
        let said = NewMessage {
            content,
            ..saying("")
        };
        let said = unit.chat_message_create(chat.id, &said, scene.lease).await;
        unit.commit().await.unwrap();
        ids.push(said.unwrap().id);
    }
    (chat, ids)
}

#[tokio::test]
async fn prompts_are_told_by_their_texts_and_so_many_bytes_at_a_time() {
    let scene = Scene::new().await;
    let (chat, ids) = scene_with_prompts(&scene).await;
    let part = usize::try_from(PROMPT_PAGE_BYTES).unwrap();
    let check = async |before: Option<usize>, limit, expected: &[usize], more| {
        let mut unit = read(scene.store()).await;
        let before = before.map(|place| ids[place]);
        let page = unit.chat_prompt_list(chat.id, before, limit).await.unwrap();
        let found: Vec<_> = page.prompts.iter().map(|prompt| prompt.id).collect();
        let expected: Vec<_> = expected.iter().map(|place| ids[*place]).collect();
        assert_eq!(
            (found, page.has_more),
            (expected, more),
            "{before:?} {limit}"
        );
        page.prompts
    };
    let newest = check(None, 9, &[5, 3, 2], true).await;
    assert_eq!(newest[0].text, "two\n\ntexts");
    assert_eq!(newest[2].text.len(), part / 2);
    // What is larger than a page is one by itself.
    check(Some(2), 9, &[1], true).await;
    check(Some(1), 9, &[0], false).await;
    check(Some(0), 9, &[], false).await;
    check(None, 2, &[5, 3], true).await;
    check(Some(3), 1, &[2], true).await;
    check(Some(1), 1, &[0], false).await;
    // What was edited away is not told.
    let mut unit = begin(scene.store()).await;
    let replaced = unit
        .chat_message_replace(chat.id, ids[1], &saying("new"), scene.lease)
        .await;
    let (_, last) = replaced.unwrap();
    let page = unit.chat_prompt_list(chat.id, None, 9).await.unwrap();
    let texts = page
        .prompts
        .iter()
        .map(|prompt| (prompt.id, prompt.text.as_str()));
    assert_eq!(
        texts.collect::<Vec<_>>(),
        [(last.id, "new"), (ids[0], "first")]
    );
}

#[tokio::test]
async fn a_family_is_counted_from_its_root() {
    let scene = Scene::new().await;
    let root = scene.chat(scene.team.ada, "root").await;
    let child = scene.child(&root, "child").await;
    scene.child(&child, "grandchild").await;
    scene.chat(scene.team.ada, "other").await;
    scene.finish(&root, &answer("yes")).await;
    let mut unit = begin(scene.store()).await;
    assert_eq!(unit.chat_family_count(root.id).await.unwrap(), 3);
    assert_eq!(
        unit.chat_family_count(ChatId(Uuid::nil())).await.unwrap(),
        0
    );
}

/// Each sees all that were kept before it, and none waits for another person's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_of_a_person_that_come_at_once_see_each_other() {
    let scene = Arc::new(Scene::new().await);
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let scene = Arc::clone(&scene);
        tasks.spawn(async move {
            let mut unit = begin(scene.store()).await;
            let used = unit.chat_file_usage_lock(ada).await.unwrap();
            let new = files::new_file(scene.team.acme, ada, "0123456789");
            unit.chat_file_create(&new).await.unwrap();
            unit.commit().await.unwrap();
            used
        });
    }
    let mut found = tasks.join_all().await;
    found.sort_unstable();
    assert_eq!(
        found,
        (0..8).map(|number| number * 10).collect::<Vec<u64>>()
    );
    let mut first = begin(scene.store()).await;
    assert_eq!(first.chat_file_usage_lock(ada).await.unwrap(), 80);
    let mut second = begin(scene.store()).await;
    assert_eq!(second.chat_file_usage_lock(bob).await.unwrap(), 0);
    // What a chat has counts like what none has.
    drop((first, second));
    let mut new = scene.new_chat(ada, "chat");
    let owner = scene.team.db.client(LocalRole::Owner).await;
    let file: Uuid = owner
        .query_one("SELECT id FROM chat_files LIMIT 1", &[])
        .await
        .unwrap()
        .get(0);
    new.messages = vec![files::with(&[ChatFileId(file)])];
    make(scene.store(), &new).await;
    let mut unit = begin(scene.store()).await;
    assert_eq!(unit.chat_file_usage_lock(ada).await.unwrap(), 80);
}
