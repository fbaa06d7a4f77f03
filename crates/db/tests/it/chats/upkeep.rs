//! What has been left alone: it is archived by itself, and in the end removed.

use model::{
    acl::Principal,
    chats::{Chat, ChatStatus, ViewerUpdate},
};

use super::{Scene, answer, days_ago, lists::pin, saying};
use crate::support::begin;

async fn archive_old(scene: &Scene, limit: u32) -> u64 {
    let mut unit = begin(scene.store()).await;
    let archived = unit.chat_archive_old(days_ago(5), limit).await.unwrap();
    unit.commit().await.unwrap();
    archived
}

/// A family of two that rests since long ago.
async fn family(scene: &Scene, title: &str) -> (Chat, Chat) {
    let root = scene.quiet(scene.team.ada, title).await;
    let child = scene.child(&root, "child").await;
    scene.finish(&child, &answer("yes")).await;
    scene.age(root.id, "9 days").await;
    scene.age(child.id, "8 days").await;
    (root, child)
}

#[tokio::test]
async fn families_that_are_left_alone_are_archived_as_one() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let (old, old_child) = family(&scene, "old").await;
    let (older, _) = family(&scene, "older").await;
    scene.age(older.id, "99 days").await;
    let (pinned, _) = family(&scene, "pinned").await;
    pin(&scene, ada, pinned.id, 1).await;
    let (recent, recent_child) = family(&scene, "its child is recent").await;
    scene.age(recent_child.id, "1 hour").await;
    let (active, active_child) = family(&scene, "its child is active").await;
    let mut unit = begin(scene.store()).await;
    unit.chat_message_create(active_child.id, &saying("go on"), scene.lease)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    scene.age(active_child.id, "8 days").await;
    let (held, held_child) = family(&scene, "held").await;
    // On top of a reader's list: that is not the owner's.
    scene.share(old.id, &[Principal::User(bob)]).await;
    scene.age(old.id, "9 days").await;
    pin(&scene, bob, old.id, 1).await;

    let mut somebody = begin(scene.store()).await;
    somebody
        .chat_lock(held_child.id, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(archive_old(&scene, 1).await, 1);
    assert!(scene.get(older.id).await.archived);
    assert_eq!(archive_old(&scene, 9).await, 1);
    drop(somebody);
    for (chat, archived) in [
        (&old, true),
        (&old_child, true),
        (&pinned, false),
        (&recent, false),
        (&active, false),
        (&held, false),
    ] {
        assert_eq!(
            scene.get(chat.id).await.archived,
            archived,
            "{}",
            chat.title
        );
    }
    assert_eq!(scene.seen_by(bob, old.id).await.pin_order, 0);
    assert!(scene.get(old.id).await.shared, "what was granted is kept");
    // Nobody holds it any more.
    while archive_old(&scene, 9).await == 0 {
        tokio::task::yield_now().await;
    }
    assert!(scene.get(held.id).await.archived);
    assert_eq!(archive_old(&scene, 9).await, 0);
}

#[tokio::test]
async fn archived_families_are_removed_with_all_that_is_theirs() {
    let scene = Scene::new().await;
    let ada = scene.team.ada;
    let (old, old_child) = family(&scene, "old").await;
    let (fresh, _) = family(&scene, "archived just now").await;
    let (alive, _) = family(&scene, "not archived").await;
    scene
        .share(old.id, &[Principal::User(scene.team.bob)])
        .await;
    let last = scene.messages(old.id).await.pop().unwrap().id;
    let look = ViewerUpdate {
        last_read: Some(last),
        ..ViewerUpdate::default()
    };
    super::lists::look(&scene, ada, old.id, look).await;
    for root in [&old, &fresh] {
        scene.archive(root.id, true).await;
    }
    let purge = async || {
        let mut unit = begin(scene.store()).await;
        let removed = unit.chat_purge(days_ago(5), 9).await.unwrap();
        unit.commit().await.unwrap();
        removed
    };
    // It counts from when it was archived.
    assert_eq!(purge().await, 0);
    scene.age(old.id, "9 days").await;
    assert_eq!(purge().await, 0, "its child changed lately");
    scene.age(old_child.id, "9 days").await;
    assert_eq!(purge().await, 1);
    let left = "SELECT count(*) FROM chats";
    assert_eq!(scene.count(left).await, 4);
    for table in ["chat_acl", "chat_viewers"] {
        assert_eq!(
            scene.count(&format!("SELECT count(*) FROM {table}")).await,
            0
        );
    }
    let said = format!(
        "SELECT count(*) FROM chat_messages WHERE chat_id IN ('{}', '{}')",
        old.id, old_child.id
    );
    assert_eq!(scene.count(&said).await, 0);
    assert!(!scene.get(alive.id).await.archived);
}

#[tokio::test]
async fn whoever_has_changed_it_meanwhile_keeps_it() {
    let scene = Scene::new().await;
    let (root, _) = family(&scene, "old").await;
    let other = scene.team.db.store().await;
    let id = root.id;
    // It is locked when the upkeep looks, and changed when the lock is had.
    let mut unit = begin(scene.store()).await;
    unit.chat_lock(id, None).await.unwrap().unwrap();
    let lease = scene.lease;
    unit.chat_message_create(id, &saying("more"), lease)
        .await
        .unwrap();
    let upkeep = tokio::spawn(async move {
        let mut unit = begin(&other).await;
        let archived = unit.chat_archive_old(days_ago(5), 9).await.unwrap();
        unit.commit().await.unwrap();
        archived
    });
    assert_eq!(upkeep.await.unwrap(), 0, "what somebody holds is left");
    unit.commit().await.unwrap();
    assert_eq!(archive_old(&scene, 9).await, 0);
    assert_eq!(scene.get(id).await.status, ChatStatus::Running);
}
