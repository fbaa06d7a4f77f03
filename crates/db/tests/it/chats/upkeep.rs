//! What has been left alone: it is archived by itself, and in the end removed.

use model::{
    PageRequest,
    acl::Principal,
    audit::AuditFilter,
    chats::{AclExpiry, Chat, ChatStatus, ViewerUpdate},
};
use store::{Store, WriteContext};

use super::{
    Scene, answer, days_ago, entries,
    lists::{look, pin},
    saying, share,
};
use crate::support::{begin, read};

async fn archive_old(scene: &Scene, limit: u32) -> u64 {
    let mut unit = begin(scene.store()).await;
    let archived = unit.chat_archive_old(days_ago(5), limit).await.unwrap();
    unit.commit().await.unwrap();
    archived
}

async fn by_hand(scene: &Scene, statement: &str) {
    let all =
        format!("BEGIN; SELECT set_config('bursar.actor_name', 'test', true); {statement}; COMMIT");
    scene.client().await.batch_execute(&all).await.unwrap();
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

#[tokio::test]
async fn one_server_at_a_time_keeps_order() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    // Something for each of them to do: an old family, one that has been archived, a loose file, an entry that has
    // ended, and what somebody keeps of a chat that they have lost.
    let (root, _) = family(&scene, "old").await;
    let (shelved, _) = family(&scene, "archived").await;
    scene.archive(shelved.id, true).await;
    let mut unit = begin(scene.store()).await;
    let loose = super::files::new_file(scene.team.acme, ada, "loose.txt");
    unit.chat_file_create(&loose).await.unwrap();
    unit.commit().await.unwrap();
    let lapsing = scene.chat(ada, "shared until yesterday").await;
    let set = entries(&[Principal::User(bob)], &[]);
    share(scene.store(), lapsing.id, &set, AclExpiry::At(days_ago(1))).await;
    let seen = ViewerUpdate {
        hidden: Some(true),
        ..ViewerUpdate::default()
    };
    look(&scene, bob, lapsing.id, seen).await;
    // At work until its unit ends, although it found nothing.
    let mut other = begin(scene.store()).await;
    assert_eq!(other.chat_archive_old(days_ago(50), 9).await.unwrap(), 0);
    let work = async || {
        let mut unit = begin(scene.store()).await;
        let before = days_ago(-1);
        let done = [
            // What was archived long ago is removed, before more is archived.
            unit.chat_purge(before, 9).await.unwrap(),
            unit.chat_archive_old(days_ago(5), 9).await.unwrap(),
            unit.chat_file_prune(before, 9).await.unwrap(),
            unit.chat_viewer_prune(None, 9).await.unwrap().0,
            unit.chat_acl_prune(9).await.unwrap(),
        ];
        unit.commit().await.unwrap();
        done
    };
    assert_eq!(work().await, [0; 5]);
    other.commit().await.unwrap();
    assert_eq!(work().await, [1; 5]);
    assert!(scene.get(root.id).await.archived);
}

#[tokio::test]
async fn entries_that_have_ended_are_removed_as_nobodys_act() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let root = scene.quiet(team.ada, "Plans").await;
    let (bob, eve) = (Principal::User(team.bob), Principal::User(team.eve));
    let ends = |days| AclExpiry::At(days_ago(days));
    share(scene.store(), root.id, &entries(&[bob], &[]), ends(1)).await;
    share(scene.store(), root.id, &entries(&[eve], &[]), ends(-1)).await;
    let before = scene.get(root.id).await;
    let lines = async || {
        let filter = AuditFilter {
            resource_type: Some("chat".to_owned()),
            ..AuditFilter::default()
        };
        let page = PageRequest {
            limit: 100,
            offset: 0,
        };
        let mut unit = read(scene.store()).await;
        let found = unit.audit_list(&filter, page, &rbac::Visibility::All).await;
        found.unwrap().items
    };
    let seen = lines().await.len();
    let prune = async || {
        let keeper = WriteContext {
            user_id: None,
            actor_name: "chat-keeper".to_owned(),
            request_id: None,
        };
        let mut unit = scene.store().begin(&keeper).await.unwrap();
        let pruned = unit.chat_acl_prune(9).await.unwrap();
        unit.commit().await.unwrap();
        pruned
    };
    assert_eq!(prune().await, 1);
    let found = lines().await;
    assert_eq!(found.len(), seen + 1);
    let line = &found[0];
    assert_eq!(
        (
            line.user_id,
            line.actor_name.as_str(),
            line.resource_target.as_str()
        ),
        (None, "chat-keeper", "Plans")
    );
    let old = line.diff["user_acl"]["old"].as_object().unwrap();
    let ended: Vec<_> = old.keys().cloned().collect();
    assert_eq!(ended, [team.bob.to_string()]);
    assert_eq!(line.diff["user_acl"]["new"], serde_json::json!({}));
    // Nothing that anybody sees has changed.
    assert_eq!(scene.get(root.id).await, before);
    assert_eq!(prune().await, 0);
    scene.team.db.shift_time("2 days").await;
    assert_eq!(prune().await, 1);
}

#[tokio::test]
async fn what_people_keep_of_chats_that_they_have_lost_is_forgotten() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let (ada, bob, eve, joe) = (team.ada, team.bob, team.eve, team.joe);
    let mut roots = Vec::new();
    for title in ["a", "b", "c"] {
        let root = scene.quiet(ada, title).await;
        scene
            .share(root.id, &[Principal::User(bob), Principal::User(eve)])
            .await;
        roots.push(root);
    }
    let child = scene.child(&roots[0], "child").await;
    for root in &roots {
        pin(&scene, bob, root.id, 9).await;
    }
    let seen = ViewerUpdate {
        hidden: Some(true),
        ..ViewerUpdate::default()
    };
    // An administrator of something may read more than what is shared.
    by_hand(
        &scene,
        "UPDATE users SET roles = '{owner}' WHERE username = 'joe'",
    )
    .await;
    for (who, chat) in [(ada, roots[0].id), (eve, child.id), (joe, roots[0].id)] {
        look(&scene, who, chat, seen).await;
    }
    let prune = async |limit| {
        let (mut place, mut total) = (None, 0);
        loop {
            let mut unit = begin(scene.store()).await;
            let (pruned, next) = unit.chat_viewer_prune(place, limit).await.unwrap();
            unit.commit().await.unwrap();
            total += pruned;
            place = next;
            if place.is_none() {
                return total;
            }
        }
    };
    assert_eq!(prune(9).await, 0);
    let revoke = |who| entries(&[], &[Principal::User(who)]);
    share(scene.store(), roots[0].id, &revoke(bob), AclExpiry::Keep).await;
    share(scene.store(), roots[0].id, &revoke(eve), AclExpiry::Keep).await;
    // Bob still reads it as one of all.
    scene
        .share(roots[0].id, &[Principal::Group(team.acme.everyone())])
        .await;
    assert_eq!(prune(2).await, 0);
    let everyone = entries(&[], &[Principal::Group(team.acme.everyone())]);
    share(scene.store(), roots[0].id, &everyone, AclExpiry::Keep).await;
    // A switch that is off takes nothing for good.
    by_hand(&scene, "UPDATE organizations SET chat_sharing = false").await;
    assert_eq!(prune(2).await, 2);
    let left = "SELECT count(*) FROM chat_viewers WHERE hidden OR pin_order > 0";
    assert_eq!(scene.count(left).await, 4);
    // What is left on top is closed up.
    let places: Vec<_> = [&roots[1], &roots[2]].map(|root| root.id).into();
    for (place, root) in places.into_iter().enumerate() {
        let found = scene.seen_by(bob, root).await.pin_order;
        assert_eq!(usize::try_from(found).unwrap(), place + 1);
    }
}
