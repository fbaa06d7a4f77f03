//! How turns end: by the table of states, and only the turn that is meant.

use model::{
    ChatId, LeaseId,
    chats::{
        ChatError, ChatErrorKind, ChatPart,
        ChatStatus::{self, Error, Running, Waiting},
        ContentPart, NewMessage, TurnEnd, TurnKey, TurnUsage, Visibility, text_of,
    },
};
use store::chat_turns::TurnStanding::{self, Over, Stopping};

use super::{Scene, answer, saying, words};
use crate::{
    ledger::lease,
    support::{begin, id, read},
};

pub(super) fn error() -> ChatError {
    ChatError {
        message: "overloaded".to_owned(),
        detail: Some("try later".to_owned()),
        kind: ChatErrorKind::Overloaded,
        provider: Some("openai".to_owned()),
        retryable: true,
        status_code: Some(529),
    }
}

#[tokio::test]
async fn a_turn_ends_as_the_table_says() {
    let scene = Scene::new().await;
    // Whether it was told to stop, whether something waits, whether it failed, and what comes of it: what the chat does
    // then, whether it shows the error, and whether the next turn runs.
    for (stopping, queued, failed, status, shown, next) in [
        (false, false, false, Waiting, false, false),
        (false, true, false, Running, false, true),
        (false, false, true, Error, true, false),
        (false, true, true, Error, true, false),
        (true, false, false, Waiting, false, false),
        (true, true, false, Running, false, true),
        (true, false, true, Waiting, false, false),
        (true, true, true, Running, false, true),
    ] {
        let chat = scene.chat(scene.team.ada, "hello").await;
        let mut unit = begin(scene.store()).await;
        if queued {
            unit.chat_queue_create(chat.id, &saying("next"))
                .await
                .unwrap();
        }
        if stopping {
            unit.chat_interrupt(chat.id).await.unwrap();
        }
        unit.commit().await.unwrap();
        let end = TurnEnd {
            error: failed.then(error),
            usage: Some(TurnUsage {
                input_tokens: 3,
                output_tokens: 4,
            }),
            ..answer("answer")
        };
        let key = scene.finish(&chat, &end).await;
        let found = scene.get(chat.id).await;
        let case = (stopping, queued, failed);
        assert_eq!(found.status, status, "{case:?}");
        assert_eq!(found.last_error.is_some(), shown, "{case:?}");
        assert_eq!((key, key.is_some()), (found.turn(), next), "{case:?}");
        let said = scene.messages(chat.id).await;
        assert_eq!(said.len(), 2 + usize::from(next), "{case:?}");
        assert_eq!(said[1].usage, end.usage);
        assert_eq!(said[1].created_by, None);
        if let Some(key) = key {
            let turn = begin(scene.store())
                .await
                .chat_turn_get(chat.id, scene.lease)
                .await;
            let turn = turn.unwrap().unwrap();
            assert_eq!(
                (turn.key, turn.lease_id, turn.owner_id),
                (key, scene.lease, scene.team.ada)
            );
            let history: Vec<_> = turn
                .history
                .iter()
                .map(|one| text_of(&one.content))
                .collect();
            assert_eq!(history, ["hello", "answer", "next"]);
        }
        let left = format!(
            "SELECT count(*) FROM chats WHERE id = '{}' AND (lease_id IS NULL) = (turn_started_at IS NULL)",
            chat.id
        );
        assert_eq!(scene.count(&left).await, 1);
    }
}

#[tokio::test]
async fn nothing_is_done_to_another_turn() {
    let scene = Scene::new().await;
    let other = lease(scene.store()).await;
    let chat = scene.chat(scene.team.ada, "hello").await;
    let turn = chat.turn().unwrap();
    let before = scene.get(chat.id).await;
    for (key, lease) in [
        (turn, other),
        (TurnKey { attempt: 2, ..turn }, scene.lease),
        (
            TurnKey {
                history_version: 0,
                ..turn
            },
            scene.lease,
        ),
        (
            TurnKey {
                chat_id: ChatId(id()),
                ..turn
            },
            scene.lease,
        ),
    ] {
        let mut unit = begin(scene.store()).await;
        let ended = unit.chat_turn_finish(key, lease, &answer("late")).await;
        assert_eq!(ended.unwrap(), None);
        assert_eq!(
            unit.chat_turn_standing_list(&[key], lease).await.unwrap(),
            [Over]
        );
        if key != turn {
            let part = ChatPart {
                seq: 0,
                part: words("x").remove(0),
            };
            assert!(!unit.chat_parts_append(key, &[part]).await.unwrap());
        }
        unit.commit().await.unwrap();
        assert_eq!(scene.get(chat.id).await, before, "{key:?} {lease:?}");
    }
    let mut unit = begin(scene.store()).await;
    assert_eq!(unit.chat_turn_get(chat.id, other).await.unwrap(), None);
    // Once it has ended it is over, also for whoever ends it again.
    scene.finish(&chat, &answer("yes")).await;
    let before = scene.get(chat.id).await;
    let mut unit = begin(scene.store()).await;
    assert_eq!(
        unit.chat_turn_finish(turn, scene.lease, &answer("yes"))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        unit.chat_turn_get(chat.id, scene.lease).await.unwrap(),
        None
    );
    unit.commit().await.unwrap();
    assert_eq!(scene.get(chat.id).await, before);
    assert_eq!(scene.count("SELECT count(*) FROM chat_parts").await, 0);
}

#[tokio::test]
async fn turns_are_looked_after_in_one_question() {
    let scene = Scene::new().await;
    let mut keys = Vec::new();
    for title in ["runs", "stops", "ended"] {
        let chat = scene.chat(scene.team.ada, title).await;
        keys.push(chat.turn().unwrap());
        if title == "ended" {
            scene.finish(&chat, &answer("yes")).await;
        }
    }
    let mut unit = begin(scene.store()).await;
    unit.chat_interrupt(keys[1].chat_id).await.unwrap();
    let asked = [keys[2], keys[0], keys[1], keys[0]];
    let found = unit
        .chat_turn_standing_list(&asked, scene.lease)
        .await
        .unwrap();
    assert_eq!(
        found,
        [Over, TurnStanding::Running, Stopping, TurnStanding::Running]
    );
    let none = unit
        .chat_turn_standing_list(&asked, LeaseId(id()))
        .await
        .unwrap();
    assert_eq!(none, [Over; 4]);
    assert_eq!(
        unit.chat_turn_standing_list(&[], scene.lease)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn a_turn_asks_the_last_messages_model_of_what_is_said_for_it() {
    let scene = Scene::new().await;
    let for_people = NewMessage {
        visibility: Visibility::User,
        ..saying("for people")
    };
    let mut new = scene.new_chat(scene.team.ada, "hello");
    new.model = Some("openai/own".to_owned());
    new.messages.push(for_people);
    let chat = super::make(scene.store(), &new).await;
    let turn = async || {
        let found = begin(scene.store())
            .await
            .chat_turn_get(chat.id, scene.lease)
            .await;
        found.unwrap().unwrap()
    };
    let found = turn().await;
    assert_eq!(found.model.as_deref(), Some("openai/own"));
    assert_eq!(found.history.len(), 1);
    scene.finish(&chat, &answer("yes")).await;
    let mut unit = begin(scene.store()).await;
    let other = NewMessage {
        model: Some("anthropic/other".to_owned()),
        ..saying("and now?")
    };
    unit.chat_message_create(chat.id, &other, scene.lease)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let found = turn().await;
    assert_eq!(found.model.as_deref(), Some("anthropic/other"));
    assert_eq!(found.history.len(), 3);
    let status: ChatStatus = scene.get(chat.id).await.status;
    assert_eq!(status, Running);
}

#[tokio::test]
async fn parts_are_noted_once_while_the_turn_runs_and_gone_after() {
    let scene = Scene::new().await;
    let chat = scene.chat(scene.team.ada, "hello").await;
    let turn = chat.turn().unwrap();
    let part = |seq, text: &str| ChatPart {
        seq,
        part: ContentPart::Text {
            text: text.to_owned(),
        },
    };
    let mut unit = begin(scene.store()).await;
    assert!(
        unit.chat_parts_append(turn, &[part(0, "a"), part(1, "b")])
            .await
            .unwrap()
    );
    assert!(
        unit.chat_parts_append(turn, &[part(1, "B"), part(2, "c")])
            .await
            .unwrap()
    );
    assert!(unit.chat_parts_append(turn, &[]).await.unwrap());
    unit.commit().await.unwrap();
    let news = async |known: TurnKey, parts| {
        let seen = store::chat_messages::SeenVersions {
            revision: 0,
            turn: (known.history_version, known.attempt),
            parts,
        };
        let found = read(scene.store())
            .await
            .chat_news_get(chat.id, &seen)
            .await;
        found.unwrap().unwrap().parts
    };
    let all = [part(0, "a"), part(1, "b"), part(2, "c")];
    assert_eq!(news(turn, 0).await, all);
    assert_eq!(news(turn, 2).await, all[2..]);
    assert_eq!(news(turn, 3).await, []);
    // The parts of another turn are known: those of this one are all new.
    assert_eq!(news(TurnKey { attempt: 0, ..turn }, 2).await, all);
    scene.finish(&chat, &answer("abc")).await;
    assert_eq!(news(turn, 0).await, []);
    let mut unit = begin(scene.store()).await;
    assert!(!unit.chat_parts_append(turn, &[part(3, "d")]).await.unwrap());
    unit.commit().await.unwrap();
    assert_eq!(scene.count("SELECT count(*) FROM chat_parts").await, 0);
}
