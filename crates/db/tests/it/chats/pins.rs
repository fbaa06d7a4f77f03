//! Places on top: 1, 2, 3 and so on, each viewer's own.

use model::{
    UserId,
    acl::Principal,
    chats::{Chat, ChatUpdate},
};
use store::StoreError;

use super::{Scene, lists::pin, others, own};
use crate::support::begin;

/// The titles that are on top of a list, in their order, by their places.
async fn top(scene: &Scene, viewer: UserId, theirs: bool) -> Vec<String> {
    let filter = if theirs { others() } else { own() };
    let page = scene.list(viewer, &filter).await;
    let roots = page.chats.into_iter().map(|one| one.root);
    let pinned: Vec<Chat> = roots.filter(|root| root.pin_order > 0).collect();
    let places: Vec<_> = pinned.iter().map(|root| root.pin_order).collect();
    let expected: Vec<u32> = (1..).take(places.len()).collect();
    assert_eq!(places, expected);
    pinned.into_iter().map(|root| root.title).collect()
}

#[tokio::test]
async fn places_are_each_viewers_own_and_closed_up() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let mut made = Vec::new();
    for title in ["a", "b", "c", "d"] {
        let chat = scene.quiet(ada, title).await;
        scene.share(chat.id, &[Principal::User(bob)]).await;
        made.push(chat);
    }
    let bobs = scene.quiet(bob, "bobs").await;
    scene.share(bobs.id, &[Principal::User(ada)]).await;
    let place = async |chat: usize, to: u32| {
        let update = ChatUpdate {
            pin_order: Some(to),
            ..ChatUpdate::default()
        };
        let before = scene.get(made[chat].id).await;
        scene.update(made[chat].id, &update).await;
        let after = scene.get(made[chat].id).await;
        // Its owner's other tabs hear of it, and its place in the rest of the list stays.
        assert_eq!(after.versions.snapshot, before.versions.snapshot + 1);
        assert_eq!(after.updated_at, before.updated_at);
        top(&scene, ada, false).await
    };
    assert_eq!(place(0, 9).await, ["a"]);
    assert_eq!(place(1, 1).await, ["a", "b"]);
    assert_eq!(place(2, 1).await, ["a", "b", "c"]);
    assert_eq!(place(2, 1).await, ["c", "a", "b"]);
    assert_eq!(place(2, 9).await, ["a", "b", "c"]);
    assert_eq!(place(0, 0).await, ["b", "c"]);
    assert_eq!(place(0, 0).await, ["b", "c"]);
    assert_eq!(place(0, 2).await, ["b", "c", "a"]);
    // Bob's are others, among what is shared with him and among his own.
    for chat in [3, 1, 0] {
        pin(&scene, bob, made[chat].id, 1).await;
    }
    pin(&scene, bob, bobs.id, 1).await;
    pin(&scene, ada, bobs.id, 1).await;
    assert_eq!(top(&scene, bob, true).await, ["d", "b", "a"]);
    assert_eq!(top(&scene, bob, false).await, ["bobs"]);
    assert_eq!(top(&scene, ada, true).await, ["bobs"]);
    // What is archived is off the top of every list.
    scene.archive(made[1].id, true).await;
    assert_eq!(top(&scene, ada, false).await, ["c", "a"]);
    assert_eq!(top(&scene, bob, true).await, ["d", "a"]);
    scene.archive(made[1].id, false).await;
    assert_eq!(top(&scene, ada, false).await, ["c", "a"]);
    assert_eq!(top(&scene, bob, false).await, ["bobs"]);
}

#[tokio::test]
async fn only_roots_that_are_not_archived_are_kept_on_top() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let root = scene.quiet(ada, "root").await;
    let child = scene.child(&root, "child").await;
    scene.finish(&child, &super::answer("yes")).await;
    let old = scene.quiet(ada, "old").await;
    scene.archive(old.id, true).await;
    for id in [child.id, old.id] {
        for place in [0, 1] {
            let mut unit = begin(scene.store()).await;
            let update = ChatUpdate {
                pin_order: Some(place),
                ..ChatUpdate::default()
            };
            let by_owner = unit.chat_update(id, &update).await;
            let mut unit = begin(scene.store()).await;
            let update = model::chats::ViewerUpdate {
                pin_order: Some(place),
                ..Default::default()
            };
            let by_bob = unit.chat_viewer_update(id, bob, &update).await;
            for outcome in [by_owner, by_bob] {
                let refused = matches!(outcome, Err(StoreError::Refused(_)));
                assert_eq!(refused, place > 0, "{outcome:?}");
            }
        }
    }
    let mut unit = begin(scene.store()).await;
    let nobody = model::ChatId(crate::support::id());
    let gone = unit
        .chat_viewer_update(nobody, bob, &Default::default())
        .await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}
