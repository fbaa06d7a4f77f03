//! Sub-chats at any depth: they are read, listed and archived with their root, by its ACL.

use bursar_sdk::{ChatListQuery, CreateChatRequest};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::is;

const ROOTS: &str = "Chat ACLs can only be set on root chats.";

#[tokio::test]
async fn a_family_is_read_by_its_roots_acl_at_any_depth() {
    let stage = Stage::new().await;
    let (ada, vic, gil) = (&stage.ada.client, &stage.vic, &stage.gil);
    let root = stage.chat("root").await;
    let one = stage.child(root, "one").await;
    let two = stage.child(one, "two").await;
    let three = stage.child(two, "three").await;
    for chat in [root, one, two, three] {
        assert!(!stage.sees(vic, chat).await);
        assert_eq!(stage.get(chat).await.root_chat_id, root);
    }
    stage.grant(root, &[vic.id], &[stage.group]).await;
    for chat in [root, one, two, three] {
        assert!(stage.sees(vic, chat).await && stage.sees(gil, chat).await);
        assert!(!stage.sees(&stage.xan, chat).await);
        assert!(stage.get(chat).await.shared);
        assert_eq!(super::stage::messages(&vic.client, chat).await.len(), 2);
    }
    // Made after the grant.
    let four = stage.child(three, "four").await;
    assert!(stage.sees(vic, four).await);
    let ids = |chats: &[bursar_sdk::Chat]| chats.iter().map(|one| one.id).collect::<Vec<_>>();
    let children = [one, two, three, four];
    let seen = vic.client.chat_get(root).await.unwrap();
    assert_eq!(ids(&seen.children), children);
    let query = ChatListQuery {
        q: Some("source:shared_with_me".to_owned()),
        ..ChatListQuery::default()
    };
    let listed = vic.client.chat_list(&query).await.unwrap();
    assert_eq!(ids(&listed), [root]);
    assert_eq!(ids(&listed[0].children), children);
    // The ACL is the root's, wherever it is asked for.
    for chat in children {
        for (who, method) in [(ada, "GET"), (ada, "PATCH"), (&vic.client, "PATCH")] {
            let answer = stage
                .ask(who, method, &format!("/{chat}/acl"), &json!({}))
                .await;
            is(&answer, 400);
            assert_eq!(answer.message(), ROOTS);
            let detail = format!("Target the root chat (id: {root}) instead.");
            assert_eq!(answer.json()["detail"], detail);
        }
    }
    stage.leave(gil.id).await;
    assert!(!stage.sees(gil, four).await && stage.sees(vic, four).await);
    stage.revoke(root, &[vic.id], &[stage.group]).await;
    for chat in [root, one, two, three, four] {
        assert!(!stage.sees(vic, chat).await);
        assert!(!stage.get(chat).await.shared);
    }
}

#[tokio::test]
async fn only_its_owner_makes_a_part_of_a_chat() {
    let stage = Stage::new().await;
    let root = stage.shared("root").await;
    let part = CreateChatRequest {
        parent_chat_id: Some(root),
        ..stage.new_chat("part")
    };
    let owner = "Only the chat owner may start sub-chats.";
    for (who, status, words) in [
        (&stage.vic, 403, owner),
        (&stage.boss, 403, owner),
        (&stage.xan, 400, "Parent chat not found."),
    ] {
        let refused = who.client.chat_create(&part).await.unwrap_err();
        let refusal = refused.api().unwrap();
        let found = (refusal.status.as_u16(), refusal.message.as_str());
        assert_eq!(found, (status, words));
    }
    assert!(stage.get(root).await.children.is_empty());
}

#[tokio::test]
async fn a_family_is_put_away_and_taken_out_as_one() {
    let stage = Stage::new().await;
    let ada = &stage.ada.client;
    let root = stage.chat("root").await;
    let child = stage.child(root, "child").await;
    let deep = stage.child(child, "deep").await;
    let patch = async |chat, body: Value| stage.ask(ada, "PATCH", &format!("/{chat}"), &body).await;
    is(&patch(root, json!({"pin_order": 1})).await, 204);
    let refused = patch(child, json!({"archived": true})).await;
    is(&refused, 400);
    let words = "Chat archive state can only be changed on the root chat.";
    assert_eq!(refused.message(), words);
    is(&patch(child, json!({"archived": false})).await, 400);
    is(&patch(root, json!({"archived": true})).await, 204);
    let again = patch(root, json!({"archived": true})).await;
    is(&again, 400);
    assert_eq!(again.message(), "Chat is already archived.");
    for chat in [root, child, deep] {
        let found = stage.get(chat).await;
        assert_eq!((found.archived, found.pin_order), (true, 0));
    }
    is(&patch(root, json!({"pin_order": 1})).await, 400);
    let path = format!("/{deep}/messages");
    let send = json!({"content": [{"type": "text", "text": "Hello"}]});
    let refused = stage.ask(ada, "POST", &path, &send).await;
    is(&refused, 400);
    assert_eq!(
        refused.message(),
        "Cannot send messages to an archived chat."
    );
    is(&patch(root, json!({"archived": false})).await, 204);
    assert!(!stage.get(deep).await.archived);
}
