//! With whom a family is shared: who can be, until when, and what the switches do.

use chrono::Duration;
use db::local::LocalRole;
use model::{
    ChatId, Clock, SystemClock, UserId,
    acl::Principal,
    chats::{AclExpiry, Chat},
    groups::GroupUpdate,
};
use rbac::{Action, Visibility};
use store::StoreError;

use super::{Scene, entries, others, share};
use crate::support::{begin, new_organization, read};

/// Whether a person's own entry lets them read a chat, by lists as by the decision.
async fn by_entry(scene: &Scene, user: UserId, chat: &Chat) -> bool {
    let visible = Visibility::UserAcl {
        user: user.0,
        action: Action::Read,
    };
    let mut unit = read(scene.store()).await;
    let listed = unit.chat_shared_list(user, &visible).await.unwrap();
    let found = unit.chat_get(chat.id, None).await.unwrap().unwrap();
    let decided = found.sharing && found.acl.users().contains_key(&user);
    assert_eq!(listed.contains(&chat.id), decided);
    let page = unit.chat_list(&others(), user, &visible).await.unwrap();
    assert_eq!(!page.chats.is_empty(), decided);
    decided
}

#[tokio::test]
async fn an_entry_that_has_ended_counts_nowhere_and_can_be_made_again() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let root = scene.chat(ada, "root").await;
    let with_bob = entries(&[Principal::User(bob)], &[]);
    let in_an_hour = SystemClock.now() + Duration::hours(1);
    let expiry = async || {
        let mut unit = read(scene.store()).await;
        let found = unit.chat_acl_expiry_list(root.id).await.unwrap();
        found
            .into_iter()
            .map(|(principal, at)| {
                assert_eq!(principal, Principal::User(bob));
                at.timestamp()
            })
            .collect::<Vec<_>>()
    };
    share(scene.store(), root.id, &with_bob, AclExpiry::At(in_an_hour)).await;
    assert!(by_entry(&scene, bob, &root).await);
    assert_eq!(expiry().await, [in_an_hour.timestamp()]);
    // The same entry again keeps its end, unless told otherwise.
    share(scene.store(), root.id, &with_bob, AclExpiry::Keep).await;
    assert_eq!(expiry().await, [in_an_hour.timestamp()]);
    scene.team.db.shift_time("26 hours").await;
    assert!(!by_entry(&scene, bob, &root).await);
    assert!(!scene.get(root.id).await.shared);
    assert_eq!(expiry().await, [0_i64; 0]);
    // What had ended is new: it never ends, and it is told of.
    let shared = share(scene.store(), root.id, &with_bob, AclExpiry::Keep).await;
    assert!(shared.shared && by_entry(&scene, bob, &root).await);
    assert_eq!(expiry().await, [0_i64; 0]);
    let told = "SELECT count(*) FROM notifications WHERE template = 'chat_shared'";
    assert_eq!(scene.count(told).await, 2);
    share(scene.store(), root.id, &with_bob, AclExpiry::At(in_an_hour)).await;
    assert!(!by_entry(&scene, bob, &root).await);
    share(scene.store(), root.id, &with_bob, AclExpiry::Never).await;
    assert!(by_entry(&scene, bob, &root).await);
}

#[tokio::test]
async fn the_organizations_switch_keeps_what_was_granted() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let root = scene.chat(ada, "root").await;
    let child = scene.child(&root, "child").await;
    scene.share(root.id, &[Principal::User(bob)]).await;
    let owner = scene.team.db.client(LocalRole::Owner).await;
    for on in [false, true] {
        let switch =
            format!("SET bursar.actor_name = 'test'; UPDATE organizations SET chat_sharing = {on}");
        owner.batch_execute(&switch).await.unwrap();
        assert_eq!(by_entry(&scene, bob, &root).await, on);
        for chat in [&root, &child] {
            let found = scene.access(chat.id).await;
            assert_eq!(
                (found.sharing, found.chat.shared, found.acl.users().len()),
                (on, on, 1)
            );
        }
        let own = scene.titles(ada, &super::own()).await;
        assert_eq!(own, ["root"]);
        assert_eq!(scene.titles(bob, &others()).await.is_empty(), !on);
    }
}

#[tokio::test]
async fn whoever_leaves_a_group_or_the_organization_reads_no_more() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let root = scene.chat(team.ada, "root").await;
    let crew = Principal::Group(team.crew);
    scene
        .share(root.id, &[crew, Principal::User(team.eve)])
        .await;
    let shared = async |user| {
        let mut unit = read(scene.store()).await;
        let found = unit.chat_shared_list(user, &Visibility::All).await;
        !found.unwrap().is_empty()
    };
    let change = async |add: Vec<UserId>, remove: Vec<UserId>| {
        let update = GroupUpdate {
            add_users: add,
            remove_users: remove,
            ..GroupUpdate::default()
        };
        let mut unit = begin(scene.store()).await;
        unit.group_update(team.crew, &update).await.unwrap();
        unit.commit().await.unwrap();
    };
    assert!(shared(team.bob).await && shared(team.eve).await);
    change(vec![], vec![team.bob]).await;
    assert!(!shared(team.bob).await);
    change(vec![team.bob], vec![]).await;
    assert!(shared(team.bob).await);
    // In the ACL twice: one of the two is enough.
    change(vec![team.eve], vec![]).await;
    change(vec![], vec![team.eve]).await;
    assert!(shared(team.eve).await);
    let mut unit = begin(scene.store()).await;
    for user in [team.bob, team.eve] {
        unit.organization_member_delete(team.acme, user)
            .await
            .unwrap();
    }
    unit.commit().await.unwrap();
    assert!(!shared(team.bob).await && !shared(team.eve).await);
    // Their entry went with them, and does not come back.
    let mut unit = begin(scene.store()).await;
    for user in [team.bob, team.eve] {
        unit.organization_member_create(team.acme, user, &[])
            .await
            .unwrap();
    }
    unit.commit().await.unwrap();
    assert!(!shared(team.bob).await && !shared(team.eve).await);
    let everyone = Principal::Group(team.acme.everyone());
    scene.share(root.id, &[everyone]).await;
    assert!(shared(team.bob).await && !shared(team.joe).await);
    // One's own is not what others share.
    assert!(!shared(team.ada).await);
}

#[tokio::test]
async fn only_roots_are_shared_and_only_within_the_organization() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let root = scene.chat(team.ada, "root").await;
    let child = scene.child(&root, "child").await;
    let beta = new_organization("beta");
    let mut unit = begin(scene.store()).await;
    unit.organization_create(&beta).await.unwrap();
    unit.commit().await.unwrap();
    let check = async |id: ChatId, principal: Principal, constraint: &str| {
        let mut unit = begin(scene.store()).await;
        let diff = entries(&[principal], &[]);
        let refused = unit.chat_acl_update(id, &diff, AclExpiry::Keep).await;
        assert!(
            matches!(&refused, Err(StoreError::Violated(named)) if named == constraint),
            "{refused:?}"
        );
    };
    check(child.id, Principal::User(team.bob), "chat_acl_root_fkey").await;
    let member = "chat_acl_organization_member_fkey";
    check(root.id, Principal::User(team.joe), member).await;
    let elsewhere = Principal::Group(beta.id.everyone());
    check(root.id, elsewhere, "chat_acl_group_fkey").await;
    let mut unit = begin(scene.store()).await;
    let nobody = ChatId(crate::support::id());
    let gone = unit
        .chat_acl_update(nobody, &entries(&[], &[]), AclExpiry::Keep)
        .await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}
