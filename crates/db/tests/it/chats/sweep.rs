//! Turns of servers that have gone.

use model::{
    ChatId, LeaseId,
    chats::{ChatErrorKind, ChatPart, ChatStatus, ContentPart, text_of},
};

use super::{Scene, answer, make, new_chat, saying};
use crate::{
    ledger::lease,
    support::{begin, id},
};

async fn sweep(scene: &Scene, limit: u32) -> Vec<ChatId> {
    let mut unit = begin(scene.store()).await;
    let ended = unit.chat_turn_sweep(limit).await.unwrap();
    unit.commit().await.unwrap();
    ended
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
