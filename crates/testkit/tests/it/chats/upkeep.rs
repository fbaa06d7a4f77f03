//! What is done with chats by itself: old ones are archived and removed, what is left behind is cleared away, and turns
//! of servers that have gone are ended.

use std::time::Duration;

use bursar::chats::ChatOptions;
use bursar_sdk::{
    AuditListQuery, AuditLog, ChatFileCreateQuery, ChatInputPart, ChatStatus, client::Upload,
};
use fakeprovider::{Gate, Script};
use serde_json::{Value, json};
use testkit::ServerOptions;
use uuid::Uuid;

use super::{
    stage::{Stage, active, options, titles},
    stream::Stream,
    watching::Watch,
};
use crate::{calls::until, support::is};

/// A server that looks all the time for chats that are seven days old, and thirty in the archive.
fn keeping() -> ServerOptions {
    let usual = options();
    ServerOptions {
        chats: ChatOptions {
            chat_auto_archive_days: 7,
            chat_retention_days: 30,
            chat_upkeep_interval: Some(Duration::from_millis(100)),
            ..usual.chats
        },
        ..usual
    }
}

/// What the log tells of a chat as the keeper's doing, oldest first.
async fn kept(stage: &Stage, chat: Uuid) -> Vec<AuditLog> {
    let query = AuditListQuery {
        resource_type: Some("chat".to_owned()),
        resource_id: Some(chat.to_string()),
        limit: Some(100),
        ..AuditListQuery::default()
    };
    let found = stage.world.cast.owner.audit_list(&query).await.unwrap();
    let mut lines = found.audit_logs;
    lines.retain(|line| line.actor_name == "chat-keeper");
    assert!(lines.iter().all(|line| line.user.is_none()), "{lines:?}");
    lines.reverse();
    lines
}

fn diff(line: &AuditLog) -> Value {
    serde_json::to_value(&line.diff).unwrap()
}

/// Makes chats look as if nobody had touched them for so long.
async fn age(stage: &Stage, days: u32) {
    let age = format!("UPDATE chats SET updated_at = updated_at - interval '{days} days'");
    stage.by_hand(&age).await;
}

#[tokio::test]
async fn what_is_left_alone_is_archived_and_removed_before_everybodys_eyes() {
    let stage = Stage::with(Script::default(), &keeping()).await;
    let (ada, vic) = (&stage.ada.client, &stage.vic.client);
    let query = ChatFileCreateQuery {
        organization: Some(stage.world.cast.organization_id.to_string()),
    };
    let file = Upload::new("plan.md", "# Plan");
    let file = ada.chat_file_create(&query, file).await.unwrap().id;
    let mut new = stage.new_chat("Plans");
    new.content.push(ChatInputPart::file(file));
    let chat = ada.chat_create(&new).await.unwrap().id;
    stage.rests(chat).await;
    let child = stage.child(chat, "child").await;
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    // On top of a reader's list: that keeps nothing.
    let pin = json!({"pin_order": 1});
    is(
        &stage
            .ask(vic, "PATCH", &format!("/{chat}/viewer"), &pin)
            .await,
        204,
    );
    let mut tabs = [Watch::events(ada).await, Watch::socket(vic).await];
    let mut stream = Stream::events(vic, chat).await;
    age(&stage, 9).await;
    // Nobody hears of both, since they are a family.
    for tab in &mut tabs {
        tab.gone(chat).await;
    }
    for part in [chat, child] {
        assert!(stage.get(part).await.archived);
        assert!(stage.sees(&stage.vic, part).await);
    }
    let shared = "source:shared_with_me";
    assert!(titles(vic, shared).await.is_empty());
    let shelved = titles(vic, &format!("{shared} archived:true")).await;
    assert_eq!(shelved, ["Plans"]);
    let lines = kept(&stage, chat).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let archived = json!({"archived": {"old": false, "new": true, "secret": false}});
    assert_eq!(diff(&lines[0]), archived);
    assert!(kept(&stage, child).await.is_empty());

    // Who watches was told that it is gone when it was archived; who looks at it is told now.
    age(&stage, 31).await;
    let end = stream.end().await;
    assert_ne!(end.code, 1000, "{end:?}");
    for part in [chat, child] {
        for who in [&stage.ada, &stage.vic] {
            assert!(!stage.sees(who, part).await);
        }
    }
    let path = format!("/files/{file}");
    is(&stage.ask(ada, "GET", &path, &Value::Null).await, 404);
    for table in [
        "chats",
        "chat_acl",
        "chat_files",
        "chat_messages",
        "chat_viewers",
    ] {
        let left = format!("SELECT count(*) FROM {table}");
        assert_eq!(stage.number(&left).await, 0, "{table}");
    }
    let actions: Vec<_> = kept(&stage, chat).await;
    let actions: Vec<_> = actions
        .iter()
        .map(|line| serde_json::to_value(line.action).unwrap())
        .collect();
    // Archived, shared no more, removed.
    assert_eq!(actions.len(), 3, "{actions:?}");
    let removed = actions.iter().filter(|action| **action == "delete");
    assert_eq!(removed.count(), 1, "{actions:?}");
    assert!(kept(&stage, child).await.is_empty());
}

#[tokio::test]
async fn what_somebody_cares_for_stays() {
    let stage = Stage::with(Script::default(), &keeping()).await;
    let ada = &stage.ada.client;
    let made = futures_util::future::join_all(
        ["old", "on top", "old again"].map(|text| stage.begin(text)),
    );
    let made: Vec<Uuid> = made.await.into_iter().map(|chat| chat.id).collect();
    for chat in &made {
        stage.rests(*chat).await;
    }
    let top = json!({"pin_order": 1});
    let path = format!("/{}", made[1]);
    is(&stage.ask(ada, "PATCH", &path, &top).await, 204);
    // A turn runs in a part of it while it is found old, and until that has been found of others.
    let gate = Gate::default();
    let held = Some(gate.clone());
    stage.world.fake.change(|script| script.gate = held);
    let busy = bursar_sdk::CreateChatRequest {
        parent_chat_id: Some(made[2]),
        ..stage.new_chat("part")
    };
    let part = ada.chat_create(&busy).await.unwrap().id;
    age(&stage, 9).await;
    until("the archive", || async {
        stage.get(made[0]).await.archived
    })
    .await;
    assert!(active(stage.get(part).await.status));
    gate.open();
    assert_eq!(stage.rests(part).await, ChatStatus::Waiting);
    for chat in [made[1], made[2], part] {
        assert!(!stage.get(chat).await.archived, "{chat}");
        assert!(kept(&stage, chat).await.is_empty());
    }
    let (top, old) = (stage.get(made[1]).await, stage.get(made[0]).await);
    assert_eq!((top.pin_order, old.pin_order), (1, 0));
    stage.at_rest().await;
}

#[tokio::test]
async fn what_shares_leave_behind_is_cleared_away() {
    let stage = Stage::with(Script::default(), &keeping()).await;
    let chat = stage.shared("Plans").await;
    let hide = json!({"hidden": true});
    for who in [&stage.vic, &stage.gil, &stage.boss] {
        let viewer = format!("/{chat}/viewer");
        is(&stage.ask(&who.client, "PATCH", &viewer, &hide).await, 204);
    }
    stage
        .by_hand(&format!(
            "UPDATE chat_acl SET expires_at = now() - interval '1 hour' WHERE user_id = '{}'",
            stage.vic.id
        ))
        .await;
    let entries = "SELECT count(*) FROM chat_acl";
    until("the end of the entry", || async {
        stage.number(entries).await == 1
    })
    .await;
    let lines = kept(&stage, chat).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let acl = &diff(&lines[0])["user_acl"];
    let role = acl["old"][stage.vic.id.to_string()].as_str().unwrap();
    assert!(role.starts_with("read until "), "{acl}");
    assert_eq!(acl["new"], json!({}));
    // Vic has lost it. Gil reads it by the group, and the boss may read everything there.
    let hidden = "SELECT count(*) FROM chat_viewers WHERE hidden";
    until("the end of what Vic kept", || async {
        stage.number(hidden).await == 2
    })
    .await;
    stage.leave(stage.gil.id).await;
    until("the end of what Gil kept", || async {
        stage.number(hidden).await == 1
    })
    .await;
}

#[tokio::test]
async fn a_dead_turn_that_cannot_be_kept_is_in_no_other_turns_way() {
    // Looked for every two seconds: what cannot be kept is given up only at the third look.
    let options = ServerOptions {
        lease: Duration::from_secs(6),
        ..options()
    };
    let stage = Stage::with(Script::default(), &options).await;
    let (broken, other) = (stage.chat("broken").await, stage.chat("other").await);
    assert!(broken < other);
    let dead = format!(
        "UPDATE chats SET status = 'running', lease_id = gen_random_uuid(), turn_started_at = now() \
             WHERE id IN ('{broken}', '{other}'); \
         INSERT INTO chat_parts (chat_id, history_version, generation_attempt, seq, part) \
             SELECT id, history_version, generation_attempt, 0, CASE WHEN id = '{broken}' \
                 THEN '{{\"type\": \"nonsense\"}}'::jsonb ELSE '{{\"type\": \"text\", \"text\": \"so far\"}}' END \
             FROM chats WHERE id IN ('{broken}', '{other}')"
    );
    stage.by_hand(&dead).await;
    for (chat, said) in [(broken, 2), (other, 3)] {
        assert_eq!(stage.rests(chat).await, ChatStatus::Error);
        let messages = stage.messages(chat).await;
        assert_eq!(messages.len(), said, "{messages:?}");
    }
    let last = stage.messages(other).await.pop().unwrap();
    assert_eq!(super::stage::text(&last), "so far");
}
