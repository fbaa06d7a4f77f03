//! Messages about chats that were shared, and lines of the audit log.

use bursar_sdk::{AuditListQuery, NotificationListQuery};
use serde_json::Value;
use uuid::Uuid;

use super::stage::Stage;
use crate::support::Person;

/// The chats that somebody's inbox tells of.
async fn told(who: &Person) -> Vec<Uuid> {
    let inbox = who
        .client
        .notification_list(&NotificationListQuery::default())
        .await
        .unwrap();
    let shared = inbox
        .notifications
        .into_iter()
        .filter(|one| one.template_id == "chat_shared");
    shared
        .map(|one| one.data["chat_id"].parse().unwrap())
        .collect()
}

#[tokio::test]
async fn a_direct_grant_is_told_once_and_nothing_else_is() {
    let stage = Stage::new().await;
    let (ada, vic, gil, xan, boss) = (&stage.ada, &stage.vic, &stage.gil, &stage.xan, &stage.boss);
    let chat = stage.chat("Plans").await;
    stage.grant(chat, &[], &[stage.group]).await;
    assert!(told(gil).await.is_empty(), "groups are told nothing");
    stage.grant(chat, &[vic.id], &[stage.group]).await;
    stage.grant(chat, &[vic.id], &[]).await;
    assert_eq!(told(vic).await, [chat]);
    let inbox = vic
        .client
        .notification_list(&NotificationListQuery::default())
        .await
        .unwrap();
    let one = &inbox.notifications[0];
    assert_eq!(
        (
            one.data["initiator"].as_str(),
            one.data["chat_title"].as_str()
        ),
        ("ada", "Plans")
    );
    assert_eq!(one.actions[0].url, format!("/chats/{chat}"));
    stage.revoke(chat, &[vic.id], &[]).await;
    assert_eq!(told(vic).await, [chat], "an end is told nobody");
    // Taking it back and giving it again is one story, for a day.
    for _ in 0..3 {
        stage.grant(chat, &[vic.id], &[]).await;
        stage.revoke(chat, &[vic.id], &[]).await;
    }
    assert_eq!(told(vic).await, [chat]);
    stage.grant(chat, &[vic.id], &[]).await;
    // Who did it is not told, nor whose it is, also when that was somebody else.
    let grant = super::stage::roles(&[xan.id], &[], "read");
    boss.client.chat_acl_update(chat, &grant).await.unwrap();
    assert_eq!(told(xan).await, [chat]);
    let grant = super::stage::roles(&[ada.id], &[], "read");
    let owns = boss.client.chat_acl_update(chat, &grant).await.unwrap_err();
    assert_eq!(
        owns.api().unwrap().status.as_u16(),
        400,
        "nobody is given their own chat"
    );
    for who in [ada, boss, gil] {
        assert!(told(who).await.is_empty());
    }
}

#[tokio::test]
async fn what_is_done_to_a_chat_is_one_line_each() {
    let stage = Stage::new().await;
    let chat = stage.chat("Plans").await;
    let lines = async || {
        let query = AuditListQuery {
            resource_type: Some("chat".to_owned()),
            limit: Some(100),
            ..AuditListQuery::default()
        };
        let found = stage.world.cast.owner.audit_list(&query).await.unwrap();
        found.audit_logs
    };
    // Turns are no business of the audit log.
    let made = lines().await;
    assert_eq!(made.len(), 1, "{made:?}");
    // A title that is made of what was said is not told.
    assert_eq!(made[0].resource_target, chat.to_string());
    let diff = serde_json::to_string(&made[0].diff).unwrap();
    assert!(!diff.contains("Plans"), "{diff}");
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    let shared = lines().await;
    assert_eq!(shared.len(), 2, "{shared:?}");
    let line = shared.iter().find(|line| line.id != made[0].id).unwrap();
    let diff = serde_json::to_string(&line.diff).unwrap();
    for part in [stage.vic.id, stage.group] {
        assert!(diff.contains(&part.to_string()), "{diff}");
    }
    assert!(
        !diff.contains("title") && !diff.contains("archived"),
        "{diff}"
    );
    stage.say(chat, "More").await;
    stage.rests(chat).await;
    assert_eq!(lines().await.len(), 2);
    let archive = serde_json::json!({"archived": true});
    let answer = stage
        .ask(&stage.ada.client, "PATCH", &format!("/{chat}"), &archive)
        .await;
    crate::support::is(&answer, 204);
    let archived = lines().await;
    assert_eq!(archived.len(), 3, "{archived:?}");
    let line = crate::support::lines(&stage.world, answer.request_id())
        .await
        .remove(0);
    let diff: Value = serde_json::to_value(&line.diff).unwrap();
    let fields: Vec<&str> = diff
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(fields, ["archived"], "{diff}");
}
