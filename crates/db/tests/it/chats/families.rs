//! Families: what is shared of a root holds in all of it, and nothing in the database says otherwise.

use model::{ChatId, acl::Principal, chats::NewChat, users::UserStatus};
use store::StoreError;

use super::{Scene, entries, saying};
use crate::{
    support::{begin, id, new_organization},
    workspaces::new_workspace,
};

#[tokio::test]
async fn a_grant_on_the_root_holds_at_any_depth_and_ends_at_once() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let root = scene.chat(ada, "root").await;
    let mut family = vec![root.clone()];
    // Two made before the grant, and two after.
    for depth in 1..3 {
        family.push(
            scene
                .child(&family[depth - 1], &format!("depth {depth}"))
                .await,
        );
    }
    scene.share(root.id, &[Principal::User(bob)]).await;
    for depth in 3..5 {
        family.push(
            scene
                .child(&family[depth - 1], &format!("depth {depth}"))
                .await,
        );
    }
    for (depth, chat) in family.iter().enumerate() {
        let found = scene.access(chat.id).await;
        assert_eq!(
            found.acl.users().keys().collect::<Vec<_>>(),
            [&bob],
            "{depth}"
        );
        assert_eq!(found.chat.root_chat_id, root.id);
        assert!(found.chat.shared && found.sharing);
        assert_eq!(found.chat.root(), depth == 0);
    }
    let mut unit = crate::support::read(scene.store()).await;
    let children = unit.chat_child_list(root.id, ada).await.unwrap();
    let ids = |chats: &[model::chats::Chat]| chats.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(&children), ids(&family[1..]));
    let mut unit = begin(scene.store()).await;
    let diff = entries(&[], &[Principal::User(bob)]);
    unit.chat_acl_update(root.id, &diff, Default::default())
        .await
        .unwrap();
    unit.commit().await.unwrap();
    for chat in &family {
        let found = scene.access(chat.id).await;
        assert!(found.acl.users().is_empty() && !found.chat.shared);
    }
}

#[tokio::test]
async fn the_database_keeps_a_family_together() {
    let scene = Scene::new().await;
    let (ada, bob, acme) = (scene.team.ada, scene.team.bob, scene.team.acme);
    let root = scene.chat(ada, "root").await;
    let child = scene.child(&root, "child").await;
    let other = scene.chat(bob, "other").await;
    let client = scene.client().await;
    client
        .batch_execute("SET bursar.actor_name = 'test'")
        .await
        .unwrap();
    let (r, c, o) = (root.id, child.id, other.id);
    for (statement, constraint) in [
        (
            format!(
                "INSERT INTO chat_acl (root_chat_id, organization_id, user_id, role) VALUES ('{c}', '{acme}', '{bob}', 'read')"
            ),
            "chat_acl_root_fkey",
        ),
        (
            format!(
                "INSERT INTO chat_acl (root_chat_id, organization_id, user_id, role) VALUES ('{r}', '{acme}', '{bob}', 'use')"
            ),
            "chat_acl_role_check",
        ),
        (
            format!("UPDATE chats SET owner_id = '{bob}' WHERE id = '{r}'"),
            "chats_immutable",
        ),
        (
            format!("UPDATE chats SET parent_chat_id = NULL, root_chat_id = id WHERE id = '{c}'"),
            "chats_immutable",
        ),
        (
            format!("UPDATE chats SET root_chat_id = '{o}' WHERE id = '{c}'"),
            "chats_immutable",
        ),
        (
            format!(
                "INSERT INTO chats (id, organization_id, owner_id, parent_chat_id, root_chat_id, title) \
                 VALUES (gen_random_uuid(), '{acme}', '{bob}', '{r}', '{r}', 'stolen')"
            ),
            "chats_parent_fkey",
        ),
        (
            format!(
                "INSERT INTO chats (id, organization_id, owner_id, parent_chat_id, root_chat_id, title) \
                 VALUES (gen_random_uuid(), '{acme}', '{ada}', '{c}', '{c}', 'depth without its root')"
            ),
            "chats_parent_fkey",
        ),
        (
            format!("UPDATE chats SET archived = true WHERE id = '{r}'"),
            "chats_archived_check",
        ),
        (
            format!("UPDATE chats SET lease_id = NULL WHERE id = '{r}'"),
            "chats_lease_check",
        ),
    ] {
        let refused = client.batch_execute(&statement).await.unwrap_err();
        let refused = refused.as_db_error().and_then(|error| error.constraint());
        assert_eq!(refused, Some(constraint), "{statement}");
    }
    // The family goes with its root.
    let gone = format!("DELETE FROM chats WHERE id = '{r}'");
    client.batch_execute(&gone).await.unwrap();
    assert_eq!(scene.count("SELECT count(*) FROM chats").await, 1);
}

#[tokio::test]
async fn a_chat_is_made_for_a_member_within_the_organization() {
    let scene = Scene::new().await;
    let (ada, bob, joe) = (scene.team.ada, scene.team.bob, scene.team.joe);
    let root = scene.chat(ada, "root").await;
    let elsewhere = new_organization("beta");
    let mut unit = begin(scene.store()).await;
    unit.organization_create(&elsewhere).await.unwrap();
    unit.organization_member_create(elsewhere.id, ada, &[])
        .await
        .unwrap();
    let far = new_workspace("far", elsewhere.id, ada);
    unit.workspace_create(&far).await.unwrap();
    unit.user_status_update(scene.team.eve, UserStatus::Suspended)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let check = async |change: &dyn Fn(&mut NewChat), owner, expected: &str| {
        let mut new = scene.new_chat(owner, "new");
        change(&mut new);
        let mut unit = begin(scene.store()).await;
        let outcome = match unit.chat_create(&new).await {
            Ok(made) => format!("{} of {}", made.title, made.owner_username),
            Err(StoreError::Violated(constraint)) => constraint,
            Err(StoreError::Refused(reason)) => reason,
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(outcome, expected, "{new:?}");
    };
    let no_member = "the owner must be an active member of the organization";
    check(&|_| {}, ada, "new of ada").await;
    check(&|_| {}, joe, no_member).await;
    check(&|_| {}, scene.team.eve, no_member).await;
    check(&|new| new.parent_chat_id = Some(root.id), ada, "new of ada").await;
    check(
        &|new| new.parent_chat_id = Some(root.id),
        bob,
        "chats_parent_fkey",
    )
    .await;
    check(
        &|new| new.parent_chat_id = Some(ChatId(id())),
        ada,
        "chats_parent_fkey",
    )
    .await;
    check(
        &|new| {
            new.parent_chat_id = Some(root.id);
            new.organization_id = elsewhere.id;
        },
        ada,
        "chats_parent_fkey",
    )
    .await;
    check(
        &|new| new.workspace_id = Some(far.id),
        ada,
        "chats_workspace_id_fkey",
    )
    .await;
    let plans = scene.team.plans;
    check(&|new| new.workspace_id = Some(plans), ada, "new of ada").await;
    check(&|new| new.title = String::new(), ada, "chats_title_check").await;
}

#[tokio::test]
async fn what_is_said_first_is_said_in_order_and_a_turn_begins() {
    let scene = Scene::new().await;
    let new = NewChat {
        messages: ["be brief", "hello", "more"].map(saying).to_vec(),
        ..scene.new_chat(scene.team.ada, "new")
    };
    let made = super::make(scene.store(), &new).await;
    assert_eq!(made, scene.seen_by(scene.team.ada, made.id).await);
    let versions = made.versions;
    assert_eq!(
        (
            versions.snapshot,
            versions.history,
            versions.queue,
            versions.attempt
        ),
        (1, 1, 0, 1)
    );
    assert_eq!(made.status, model::chats::ChatStatus::Running);
    let said = scene.messages(made.id).await;
    let texts: Vec<_> = said
        .iter()
        .map(|one| (model::chats::text_of(&one.content), one.revision))
        .collect();
    let expected = ["be brief", "hello", "more"].map(|text| (text.to_owned(), 1));
    assert_eq!(texts, expected);
}
