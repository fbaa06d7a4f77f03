//! Turns of servers that have gone.

use db::local::LocalRole;
use model::{
    ChatId, LeaseId,
    chats::{Chat, ChatErrorKind, ChatPart, ChatStatus, ContentPart, text_of},
};

use store::{StoreError, StoreResult, chat_turns::Noted};

use super::{Scene, answer, make, new_chat, saying};
use crate::{
    ledger::lease,
    support::{begin, id},
};

async fn lapsed(scene: &Scene, after: Option<ChatId>, limit: u32) -> Vec<ChatId> {
    let mut unit = begin(scene.store()).await;
    unit.chat_turn_lapsed_list(after, limit).await.unwrap()
}

async fn end(scene: &Scene, chat: ChatId, noted: Noted) -> StoreResult<bool> {
    let mut unit = begin(scene.store()).await;
    let ended = unit.chat_turn_sweep(chat, noted).await?;
    unit.commit().await.unwrap();
    Ok(ended)
}

/// Ends so many, each in a unit of its own; which ones.
async fn sweep(scene: &Scene, limit: u32) -> Vec<ChatId> {
    let mut ended = Vec::new();
    for chat in lapsed(scene, None, limit).await {
        if end(scene, chat, Noted::Kept).await.unwrap() {
            ended.push(chat);
        }
    }
    ended
}

/// Notes parts of a chat's first turn, as they come.
async fn note(scene: &Scene, chat: ChatId, parts: &str) {
    let note = format!(
        "INSERT INTO chat_parts (chat_id, history_version, generation_attempt, seq, part) \
         SELECT '{chat}', 1, 1, n, {parts} FROM generate_series(0, 11) AS n"
    );
    scene.client().await.batch_execute(&note).await.unwrap();
}

#[tokio::test]
async fn turns_of_servers_that_have_gone_are_ended_with_what_was_noted() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let other = lease(scene.store()).await;
    let of = |title, lease| new_chat(team.acme, team.ada, title, lease);
    let never = make(
        scene.store(),
        &of("of a lease that there is not", LeaseId(id())),
    )
    .await;
    let lost = make(scene.store(), &of("lost", other)).await;
    let silent = make(scene.store(), &of("lost, silent and stopping", other)).await;
    let alive = scene.chat(team.ada, "alive").await;
    let mut unit = begin(scene.store()).await;
    let part = |seq, part| ChatPart { seq, part };
    let text = |text: &str| ContentPart::Text {
        text: text.to_owned(),
    };
    let thought = ContentPart::Reasoning {
        text: "hm".to_owned(),
    };
    let parts = [
        part(0, thought.clone()),
        part(1, thought),
        part(2, text("so ")),
        part(3, text("far")),
    ];
    let turn = lost.turn().unwrap();
    assert!(unit.chat_parts_append(turn, &parts).await.unwrap());
    unit.chat_queue_create(lost.id, &saying("wait"))
        .await
        .unwrap();
    unit.chat_interrupt(silent.id).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(sweep(&scene, 9).await, [never.id]);
    let mut unit = begin(scene.store()).await;
    unit.lease_end(other).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(sweep(&scene, 1).await, [lost.id]);
    assert_eq!(sweep(&scene, 9).await, [silent.id]);
    assert_eq!(sweep(&scene, 9).await, []);
    for (chat, said) in [(&lost, 2), (&silent, 1), (&never, 1)] {
        let found = scene.get(chat.id).await;
        assert_eq!(found.status, ChatStatus::Error);
        let error = found.last_error.unwrap();
        assert_eq!(
            (error.kind, error.retryable),
            (ChatErrorKind::Generic, true)
        );
        assert!(error.message.ends_with("has gone. Send the message again."));
        assert_eq!(scene.messages(chat.id).await.len(), said, "{}", chat.title);
    }
    let said = scene.messages(lost.id).await.pop().unwrap();
    assert_eq!(said.content.len(), 2, "{:?}", said.content);
    assert_eq!(text_of(&said.content), "so far");
    assert_eq!(scene.get(alive.id).await.status, ChatStatus::Running);
    // The server was only slow: its turn is over, and what waits goes on waiting.
    let mut unit = begin(scene.store()).await;
    assert_eq!(
        unit.chat_turn_finish(turn, other, &answer("late"))
            .await
            .unwrap(),
        None
    );
    assert!(!unit.chat_parts_append(turn, &parts).await.unwrap());
    assert_eq!(unit.chat_queue_count(lost.id).await.unwrap(), 1);
    unit.commit().await.unwrap();
    assert_eq!(scene.count("SELECT count(*) FROM chat_parts").await, 0);
}

/// What was said is not looked at, so that it is told also where that cannot be read.
#[tokio::test]
async fn which_turn_runs_is_told_without_what_was_said() {
    let scene = Scene::new().await;
    let chat = scene.chat(scene.team.ada, "broken").await;
    let key = async |lease| {
        let mut unit = begin(scene.store()).await;
        unit.chat_turn_key_get(chat.id, lease).await.unwrap()
    };
    let nonsense = format!(
        "UPDATE chat_messages SET content = '[{{\"type\": \"nonsense\"}}]' WHERE chat_id = '{}'",
        chat.id
    );
    let owner = scene.team.db.client(LocalRole::Owner).await;
    owner.batch_execute(&nonsense).await.unwrap();
    let mut unit = begin(scene.store()).await;
    let read = unit.chat_turn_get(chat.id, scene.lease).await;
    assert!(matches!(read, Err(StoreError::Internal(_))), "{read:?}");
    drop(unit);
    let turn = chat.turn().unwrap();
    assert_eq!(key(scene.lease).await, Some(turn));
    assert_eq!(key(LeaseId(id())).await, None);
    // By which it is ended.
    let mut unit = begin(scene.store()).await;
    let ended = unit.chat_turn_finish(turn, scene.lease, &answer("")).await;
    assert_eq!(ended.unwrap(), None);
    unit.commit().await.unwrap();
    assert_eq!(key(scene.lease).await, None);
}

#[tokio::test]
async fn what_somebody_changes_at_this_moment_is_left_for_the_next_time() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let gone = LeaseId(id());
    let chat = make(scene.store(), &new_chat(team.acme, team.ada, "lost", gone)).await;
    let mut unit = begin(scene.store()).await;
    unit.chat_lock(chat.id, None).await.unwrap().unwrap();
    assert_eq!(sweep(&scene, 9).await, []);
    // It is sent again at a server that lives.
    unit.chat_message_create(chat.id, &saying("again"), scene.lease)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert_eq!(sweep(&scene, 9).await, []);
    assert_eq!(scene.get(chat.id).await.status, ChatStatus::Running);
    // A turn that has lapsed can be taken over by saying something else.
    scene.team.db.shift_time("1 day").await;
    assert_eq!(sweep(&scene, 9).await, [chat.id]);
}

#[tokio::test]
async fn all_words_of_the_longest_turn_are_kept() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let long = new_chat(team.acme, team.ada, "long", LeaseId(id()));
    let long = make(scene.store(), &long).await;
    // One every 50 ms for more than half an hour.
    let note = format!(
        r#"INSERT INTO chat_parts (chat_id, history_version, generation_attempt, seq, part)
         SELECT '{}', 1, 1, n, '{{"type": "text", "text": "word "}}' FROM generate_series(0, 39999) AS n"#,
        long.id
    );
    scene.client().await.batch_execute(&note).await.unwrap();
    assert_eq!(sweep(&scene, 9).await, [long.id]);
    let said = scene.messages(long.id).await.pop().unwrap();
    assert_eq!(text_of(&said.content).len(), 5 * 40_000);
}

#[tokio::test]
async fn a_turn_that_cannot_be_kept_is_ended_without_and_is_in_nobodys_way() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let of = |owner, title| new_chat(team.acme, owner, title, LeaseId(id()));
    let broken = make(scene.store(), &of(team.ada, "broken")).await;
    let endless = make(scene.store(), &of(team.ada, "endless")).await;
    let other = make(scene.store(), &of(team.bob, "of somebody else")).await;
    let text = |words: &str| format!("jsonb_build_object('type', 'text', 'text', {words})");
    note(&scene, broken.id, r#"'{"type": "nonsense"}'"#).await;
    note(&scene, endless.id, &text("repeat('x', 1000000)")).await;
    note(&scene, other.id, &text("'so far '")).await;
    // Whoever cannot be ended is passed by.
    let all = [broken.id, endless.id, other.id];
    assert_eq!(lapsed(&scene, None, 9).await, all);
    assert_eq!(lapsed(&scene, None, 1).await, all[..1]);
    assert_eq!(lapsed(&scene, Some(broken.id), 9).await, all[1..]);
    assert!(end(&scene, broken.id, Noted::Kept).await.is_err());
    for chat in [&endless, &other] {
        assert!(end(&scene, chat.id, Noted::Kept).await.unwrap());
    }
    let said = async |chat: &Chat| {
        let said = scene.messages(chat.id).await;
        let answers = said.iter().skip(1).map(|one| text_of(&one.content));
        answers.collect::<Vec<_>>()
    };
    assert_eq!(said(&other).await, ["so far ".repeat(12)]);
    // As much as an answer may be, and no more.
    let kept = said(&endless).await[0].len();
    assert_eq!(kept, 8_000_000);
    assert_eq!(lapsed(&scene, None, 9).await, [broken.id]);
    assert!(end(&scene, broken.id, Noted::Lost).await.unwrap());
    assert!(said(&broken).await.is_empty());
    let found = scene.get(broken.id).await;
    assert_eq!(found.status, ChatStatus::Error);
    assert!(found.last_error.unwrap().retryable);
    assert_eq!(scene.count("SELECT count(*) FROM chat_parts").await, 0);
    assert!(!end(&scene, broken.id, Noted::Lost).await.unwrap());
}
