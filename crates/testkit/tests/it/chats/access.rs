//! Who sees a chat, from when on and until when.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::is;

#[tokio::test]
async fn who_is_granted_a_chat_reads_it_until_the_grant_ends() {
    let stage = Stage::new().await;
    let (ada, vic, gil, xan) = (&stage.ada, &stage.vic, &stage.gil, &stage.xan);
    let chat = stage.chat("Plans").await;
    // Before, it looks like a chat that is not there.
    let path = format!("/{chat}");
    let unknown = "/0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d";
    let hidden = stage.ask(&vic.client, "GET", &path, &Value::Null).await;
    let missing = stage.ask(&vic.client, "GET", unknown, &Value::Null).await;
    is(&hidden, 404);
    assert_eq!(hidden.text, missing.text);

    stage.grant(chat, &[vic.id], &[]).await;
    let seen = vic.client.chat_get(chat).await.unwrap();
    assert_eq!(
        (seen.owner_id, seen.owner_username.as_str(), seen.shared),
        (ada.id, "ada", true)
    );
    assert_eq!(super::stage::messages(&vic.client, chat).await.len(), 2);
    assert!(!stage.sees(xan, chat).await && !stage.sees(gil, chat).await);
    assert!(!stage.sees(&stage.zoe, chat).await);

    stage.grant(chat, &[], &[stage.group]).await;
    assert!(stage.sees(gil, chat).await);
    stage.revoke(chat, &[vic.id], &[]).await;
    assert!(!stage.sees(vic, chat).await && stage.sees(gil, chat).await);
    stage.revoke(chat, &[], &[stage.group]).await;
    assert!(!stage.sees(gil, chat).await);
    assert!(!stage.get(chat).await.shared, "nobody is left");
    stage.at_rest().await;
}

#[tokio::test]
async fn two_grants_are_two_and_a_group_is_left_without_a_change_of_the_acl() {
    let stage = Stage::new().await;
    let (vic, gil) = (&stage.vic, &stage.gil);
    let chat = stage.shared("Plans").await;
    stage.join(vic.id).await;
    stage.revoke(chat, &[vic.id], &[]).await;
    assert!(stage.sees(vic, chat).await, "by the group");
    stage.grant(chat, &[vic.id], &[]).await;
    stage.revoke(chat, &[], &[stage.group]).await;
    assert!(stage.sees(vic, chat).await, "by an entry of their own");
    assert!(!stage.sees(gil, chat).await);
    stage.revoke(chat, &[vic.id], &[]).await;
    assert!(!stage.sees(vic, chat).await);

    stage.grant(chat, &[], &[stage.group]).await;
    assert!(stage.sees(gil, chat).await);
    stage.leave(gil.id).await;
    assert!(!stage.sees(gil, chat).await, "out of the group");
    stage.join(gil.id).await;
    assert!(stage.sees(gil, chat).await);
    // Whoever leaves the organization leaves its chats.
    stage.grant(chat, &[vic.id], &[]).await;
    let acme = stage.world.cast.organization_id;
    let owner = &stage.world.cast.owner;
    owner
        .organization_member_delete(acme, vic.id)
        .await
        .unwrap();
    assert!(!stage.sees(vic, chat).await, "out of the organization");
}

#[tokio::test]
async fn an_acl_is_changed_entry_by_entry() {
    let stage = Stage::new().await;
    let (ada, vic, xan) = (&stage.ada.client, &stage.vic, &stage.xan);
    let chat = stage.shared("Plans").await;
    let before = ada.chat_acl_get(chat).await.unwrap();
    // The same again changes nothing.
    stage.grant(chat, &[vic.id], &[stage.group]).await;
    assert_eq!(ada.chat_acl_get(chat).await.unwrap(), before);
    let lines = "SELECT count(*) FROM audit_logs WHERE resource_type = 'chat'";
    let written = stage.number(lines).await;
    stage.grant(chat, &[vic.id], &[]).await;
    stage.grant(chat, &[], &[]).await;
    assert_eq!(stage.number(lines).await, written, "no line for no change");

    stage.grant(chat, &[xan.id], &[]).await;
    let acl = ada.chat_acl_get(chat).await.unwrap();
    let users: Vec<_> = acl
        .users
        .iter()
        .map(|user| user.entry.username.as_str())
        .collect();
    assert_eq!(users, ["vic", "xan"]);
    assert_eq!(acl.groups.len(), 1);
    // A reader sees the same, and of a group its size only.
    assert_eq!(vic.client.chat_acl_get(chat).await.unwrap(), acl);
    let path = format!("/{chat}/acl");
    let told = stage
        .ask(&vic.client, "GET", &path, &Value::Null)
        .await
        .json();
    assert_eq!(told["groups"][0]["members"], json!([]));
    assert_eq!(told["groups"][0]["total_member_count"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_an_acl_at_once_all_count() {
    let stage = Stage::new().await;
    let chat = stage.chat("Plans").await;
    for _ in 0..5 {
        let all = [[stage.vic.id], [stage.xan.id], [stage.gil.id]];
        futures_util::future::join_all(all.iter().map(|one| stage.grant(chat, one, &[]))).await;
        let acl = stage.ada.client.chat_acl_get(chat).await.unwrap();
        assert_eq!(acl.users.len(), 3, "{acl:?}");
        stage.revoke(chat, &all.concat(), &[]).await;
    }
}
