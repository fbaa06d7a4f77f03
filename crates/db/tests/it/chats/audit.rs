//! What the audit log and the inboxes say of chats.

use db::local::LocalRole;
use model::{
    ChatId, PageRequest, UserId,
    acl::{AclDiff, Principal},
    audit::{AuditAction, AuditFilter},
    chats::{AclExpiry, Chat, ChatUpdate, MessageId, NewChat, ViewerUpdate},
};
use rbac::Visibility;
use serde_json::{Value, json};
use store::{Store, WriteContext};

use super::{Scene, answer, entries, make, saying, share};
use crate::support::{begin, read};

/// The audit lines about chats after the first ones: action, which, difference.
async fn lines(scene: &Scene, seen: usize) -> Vec<(AuditAction, String, Value)> {
    let filter = AuditFilter {
        resource_type: Some("chat".to_owned()),
        ..AuditFilter::default()
    };
    let page = PageRequest {
        limit: 1_000,
        offset: 0,
    };
    let mut unit = read(scene.store()).await;
    let found = unit.audit_list(&filter, page, &Visibility::All).await;
    let lines = found.unwrap().items.into_iter().rev().skip(seen);
    let line = |line: model::audit::AuditEntry| {
        assert_eq!(line.organization_id, Some(scene.team.acme));
        (line.action, line.resource_target, line.diff)
    };
    lines.map(line).collect()
}

fn side(old: &[(UserId, &str)], new: &[(UserId, &str)]) -> Value {
    let map = |entries: &[(UserId, &str)]| -> Value {
        let entries = entries
            .iter()
            .map(|(id, said)| (id.to_string(), json!(said)));
        entries.collect::<serde_json::Map<_, _>>().into()
    };
    json!({"user_acl": {"old": map(old), "new": map(new), "secret": false}})
}

#[tokio::test]
async fn the_log_tells_of_a_chats_life_and_not_of_its_conversation() {
    let scene = Scene::new().await;
    let ada = scene.team.ada;
    let root = scene.chat(ada, "root").await;
    let child = scene.child(&root, "child").await;
    let made = lines(&scene, 0).await;
    let seen: Vec<_> = made.iter().map(|line| (line.0, line.1.as_str())).collect();
    assert_eq!(
        seen,
        [
            (AuditAction::Create, "root"),
            (AuditAction::Create, "child")
        ]
    );
    for (key, wanted) in [
        ("owner_id", true),
        ("title", true),
        ("snapshot_version", false),
    ] {
        assert_eq!(made[0].2.get(key).is_some(), wanted, "{}", made[0].2);
    }
    // Turns, messages and what viewers keep are no lines.
    for chat in [&root, &child] {
        scene.finish(chat, &answer("yes")).await;
    }
    let mut unit = begin(scene.store()).await;
    unit.chat_message_create(root.id, &saying("more"), scene.lease)
        .await
        .unwrap();
    unit.chat_interrupt(root.id).await.unwrap();
    let pin = ViewerUpdate {
        pin_order: Some(1),
        ..ViewerUpdate::default()
    };
    unit.chat_viewer_update(root.id, ada, &pin).await.unwrap();
    unit.commit().await.unwrap();
    scene.finish(&root, &answer("more")).await;
    assert_eq!(lines(&scene, 2).await, []);

    // A change is one line with what differs; what is so already is none.
    let title = ChatUpdate {
        title: Some("renamed".to_owned()),
        ..ChatUpdate::default()
    };
    scene.update(root.id, &title).await;
    scene.update(root.id, &title).await;
    let changed = json!({"title": {"old": "root", "new": "renamed", "secret": false}});
    assert_eq!(
        lines(&scene, 2).await,
        [(AuditAction::Write, "renamed".to_owned(), changed)]
    );
    // A family is archived by one line, in which nothing else changed.
    scene.archive(root.id, true).await;
    assert!(scene.get(child.id).await.archived);
    let archived = json!({"archived": {"old": false, "new": true, "secret": false}});
    assert_eq!(
        lines(&scene, 3).await,
        [(AuditAction::Write, "renamed".to_owned(), archived)]
    );
    // And removed by one.
    scene.age(root.id, "9 days").await;
    scene.age(child.id, "9 days").await;
    let mut unit = begin(scene.store()).await;
    assert_eq!(unit.chat_purge(super::days_ago(1), 9).await.unwrap(), 1);
    unit.commit().await.unwrap();
    let actions: Vec<_> = lines(&scene, 4)
        .await
        .into_iter()
        .map(|line| line.0)
        .collect();
    assert_eq!(actions, [AuditAction::Delete]);
}

#[tokio::test]
async fn a_change_of_an_acl_is_one_line_with_people_roles_and_ends() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let root = scene.chat(team.ada, "root").await;
    let (bob, eve) = (Principal::User(team.bob), Principal::User(team.eve));
    scene.share(root.id, &[bob]).await;
    // The same again changes nothing.
    scene.share(root.id, &[bob]).await;
    let change = AclDiff {
        set: vec![(eve, "read")],
        removed: vec![bob],
    };
    let until = AclExpiry::At("2100-01-02T03:04:05Z".parse().unwrap());
    share(scene.store(), root.id, &change, until).await;
    let with_eve = entries(&[eve], &[]);
    share(scene.store(), root.id, &with_eve, AclExpiry::Never).await;
    let said = "read until 2100-01-02T03:04:05Z";
    let expected = [
        side(&[], &[(team.bob, "read")]),
        side(&[(team.bob, "read")], &[(team.eve, said)]),
        side(&[(team.eve, said)], &[(team.eve, "read")]),
    ];
    let found = lines(&scene, 1).await;
    let diffs: Vec<_> = found.iter().map(|line| line.2.clone()).collect();
    assert_eq!(diffs, expected);
    assert!(found.iter().all(|line| line.1 == "root"));
    let owner = scene.team.db.client(LocalRole::Owner).await;
    let left = owner
        .query_one("SELECT count(*) FROM acl_changes", &[])
        .await;
    assert_eq!(left.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_direct_share_is_told_once_and_only_to_whom_it_was_made_for() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let root = scene.chat(team.ada, "root").await;
    let user = Principal::User;
    let all = [
        user(team.bob),
        user(team.eve),
        Principal::Group(team.crew),
        Principal::Group(team.acme.everyone()),
    ];
    // Eve shares it: she is an administrator, say.
    let by_eve = WriteContext {
        user_id: Some(team.eve),
        actor_name: "eve".to_owned(),
        request_id: None,
    };
    let share = async |set: &[Principal], removed: &[Principal]| {
        let mut unit = scene.store().begin(&by_eve).await.unwrap();
        let diff = entries(set, removed);
        unit.chat_acl_update(root.id, &diff, AclExpiry::Keep)
            .await
            .unwrap();
        unit.commit().await.unwrap();
    };
    // Nothing is told of what did not happen.
    let mut unit = begin(scene.store()).await;
    let diff = entries(&all, &[]);
    unit.chat_acl_update(root.id, &diff, AclExpiry::Keep)
        .await
        .unwrap();
    drop(unit);
    share(&all, &[]).await;
    share(&all, &[]).await;
    let client = scene.client().await;
    let query =
        "SELECT user_id, content, data::text FROM notifications WHERE template = 'chat_shared'";
    let found = client.query(query, &[]).await.unwrap();
    let told: Vec<(uuid::Uuid, String)> =
        found.iter().map(|row| (row.get(0), row.get(1))).collect();
    let text = "eve shared the chat \"root\" with you.".to_owned();
    assert_eq!(told, [(team.bob.0, text)]);
    let data: Value = serde_json::from_str(found[0].get(2)).unwrap();
    assert_eq!(
        data,
        json!({"chat_id": root.id.to_string(), "chat_title": "root", "initiator": "eve"})
    );
    // Taken away and given again is told anew, but not before a day has passed.
    let again = async || {
        share(&[], &[user(team.bob)]).await;
        share(&[user(team.bob)], &[]).await;
        client.query(query, &[]).await.unwrap().len()
    };
    for _ in 0..3 {
        assert_eq!(again().await, 1);
    }
    // Another chat is another share.
    let other = scene.chat(team.ada, "other").await;
    scene.share(other.id, &[user(team.bob)]).await;
    assert_eq!(again().await, 2);
    scene.team.db.shift_time("25 hours").await;
    assert_eq!(again().await, 3);
    assert_eq!(again().await, 3);
}

/// A chat of Ada's with the title that was made of what she said first, whose turn has ended.
async fn made(scene: &Scene, parent: Option<ChatId>) -> Chat {
    let new = NewChat {
        title_made: true,
        parent_chat_id: parent,
        ..scene.new_chat(scene.team.ada, "my salary is 12345")
    };
    let chat = make(scene.store(), &new).await;
    scene.finish(&chat, &answer("yes")).await;
    chat
}

/// Says something else in a message's place; that message, and the chat's title.
async fn replace(scene: &Scene, chat: &Chat, from: MessageId, words: &str) -> (MessageId, String) {
    let mut unit = begin(scene.store()).await;
    let (_, said) = unit
        .chat_message_replace(chat.id, from, &saying(words), scene.lease)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    scene.finish(chat, &answer("no")).await;
    (said.id, scene.get(chat.id).await.title)
}

#[tokio::test]
async fn a_title_that_was_made_goes_with_the_words_it_was_made_of() {
    let scene = Scene::new().await;
    let root = made(&scene, None).await;
    let first = scene.messages(root.id).await[0].id;
    let (first, title) = replace(&scene, &root, first, "my  boss").await;
    assert_eq!(title, "my boss");
    // Other words than the first make no title.
    let mut unit = begin(scene.store()).await;
    let later = unit
        .chat_message_create(root.id, &saying("later"), scene.lease)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    scene.finish(&root, &answer("no")).await;
    let (_, title) = replace(&scene, &root, later.id, "much later").await;
    assert_eq!(title, "my boss");
    // A title that somebody chose stays, and the line tells it but not what was before.
    let seen = lines(&scene, 0).await.len();
    assert_eq!(seen, 1, "steps of the conversation are no lines");
    let money = ChatUpdate {
        title: Some("Money".to_owned()),
        ..ChatUpdate::default()
    };
    scene.update(root.id, &money).await;
    assert_eq!(replace(&scene, &root, first, "nothing").await.1, "Money");
    let hidden = json!({"title": {"old": "", "new": "", "secret": true}});
    let chosen = [(AuditAction::Write, "Money".to_owned(), hidden)];
    assert_eq!(lines(&scene, seen).await, chosen);
}

#[tokio::test]
async fn words_that_were_said_are_in_no_line() {
    let scene = Scene::new().await;
    let root = made(&scene, None).await;
    let child = made(&scene, Some(root.id)).await;
    scene
        .share(root.id, &[Principal::User(scene.team.bob)])
        .await;
    for archived in [true, false, true] {
        scene.archive(root.id, archived).await;
    }
    for chat in [&root, &child] {
        scene.age(chat.id, "9 days").await;
    }
    let mut unit = begin(scene.store()).await;
    assert_eq!(unit.chat_purge(super::days_ago(1), 9).await.unwrap(), 1);
    unit.commit().await.unwrap();
    let kept = lines(&scene, 0).await;
    // Made twice, shared, archived and so on three times, shared no more, removed.
    assert_eq!(kept.len(), 8, "{kept:?}");
    let ids = [root.id, child.id].map(|id| id.to_string());
    for (_, target, diff) in kept {
        assert!(ids.contains(&target), "{target}");
        assert!(!diff.to_string().contains("salary"), "{diff}");
    }
}
