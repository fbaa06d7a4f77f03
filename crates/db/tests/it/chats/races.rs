//! Many at once: nobody waits for anybody in a circle, and nothing is lost.

use std::sync::Arc;

use model::{
    acl::Principal,
    chats::{AclExpiry, Chat, ChatStatus, ChatUpdate, NewChat, NewMessage, ViewerUpdate},
};
use store::{StoreError, StoreResult};
use tokio::task::JoinSet;

use super::{Scene, answer, entries, own, saying};
use crate::support::begin;

/// What somebody does to a chat.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Archive(bool),
    Pin(u32),
    PinAsBob(u32),
    ShareWith(bool),
    Say,
    Finish,
    Read,
}

async fn act(scene: &Scene, chat: &Chat, deed: Deed) -> StoreResult<()> {
    let mut unit = begin(scene.store()).await;
    let mut update = ChatUpdate::default();
    let mut look = ViewerUpdate::default();
    match deed {
        Deed::PinAsBob(place) => look.pin_order = Some(place),
        Deed::Read => look.last_read = Some(model::chats::MessageId(i64::MAX)),
        Deed::Finish => {
            if let Some(turn) = chat.turn() {
                unit.chat_turn_finish(turn, scene.lease, &answer("yes"))
                    .await?;
            }
            return unit.commit().await;
        }
        Deed::Archive(archived) => update.archived = Some(archived),
        Deed::Pin(place) => update.pin_order = Some(place),
        Deed::ShareWith(_) | Deed::Say => {}
    }
    if look != ViewerUpdate::default() {
        unit.chat_viewer_update(chat.id, scene.team.bob, &look)
            .await?;
        return unit.commit().await;
    }
    let found = unit.chat_lock(chat.id, None).await?.unwrap();
    let status = found.chat.status;
    match deed {
        Deed::ShareWith(bob) => {
            let user = if bob { scene.team.bob } else { scene.team.eve };
            let diff = entries(&[Principal::User(user)], &[]);
            unit.chat_acl_update(chat.id, &diff, AclExpiry::Keep)
                .await?;
        }
        Deed::Say if !status.active() && !found.chat.archived => {
            unit.chat_message_create(chat.id, &saying("more"), scene.lease)
                .await?;
        }
        Deed::Say => {}
        Deed::Archive(true) if unit.chat_family_active(chat.id).await? => {}
        _ => unit.chat_update(chat.id, &update).await?,
    }
    unit.commit().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_in_a_circle() {
    let scene = Arc::new(Scene::new().await);
    let mut chats = Vec::new();
    for number in 0..4 {
        let root = scene.chat(scene.team.ada, &format!("c{number}")).await;
        scene.child(&root, "child").await;
        chats.push(root);
    }
    let deeds = [
        Deed::Pin(1),
        Deed::PinAsBob(1),
        Deed::Archive(true),
        Deed::ShareWith(true),
        Deed::Say,
        Deed::Pin(2),
        Deed::Finish,
        Deed::Archive(false),
        Deed::Read,
        Deed::PinAsBob(2),
        Deed::ShareWith(false),
        Deed::Pin(0),
    ];
    let mut tasks = JoinSet::new();
    for turn in 0..8 {
        for (place, chat) in chats.iter().enumerate() {
            for step in 0..deeds.len() {
                // Each chat's deeds begin somewhere else, so that all kinds meet.
                let deed = deeds[(step * 5 + place * 3 + turn) % deeds.len()];
                let (scene, chat) = (Arc::clone(&scene), chat.clone());
                tasks.spawn(async move { (deed, act(&scene, &chat, deed).await) });
            }
        }
    }
    while let Some(done) = tasks.join_next().await {
        match done.unwrap() {
            (_, Ok(())) => {}
            // Archived meanwhile.
            (Deed::Pin(_) | Deed::PinAsBob(_), Err(StoreError::Refused(_))) => {}
            (deed, Err(error)) => panic!("{deed:?}: {error:?}"),
        }
    }
    for viewer in [scene.team.ada, scene.team.bob] {
        let filter = if viewer == scene.team.ada {
            own()
        } else {
            super::others()
        };
        let page = scene.list(viewer, &filter).await;
        let places = page.chats.iter().map(|one| one.root.pin_order);
        let places: Vec<_> = places.filter(|place| *place > 0).collect();
        let expected: Vec<u32> = (1..).take(places.len()).collect();
        assert_eq!(places, expected);
    }
    for chat in &chats {
        let found = scene.access(chat.id).await;
        assert_eq!(found.acl.users().len(), 2, "both entries survive");
        assert!(!found.chat.archived || found.chat.status != ChatStatus::Running);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_ends_while_its_chats_are_changed() {
    let scene = Arc::new(Scene::new().await);
    let ada = scene.team.ada;
    let mut chats = Vec::new();
    for number in 0..3 {
        let chat = scene.chat(ada, &format!("c{number}")).await;
        let mut unit = begin(scene.store()).await;
        let in_her_name = NewMessage {
            created_by: Some(ada),
            ..saying("wait")
        };
        unit.chat_queue_create(chat.id, &in_her_name).await.unwrap();
        unit.commit().await.unwrap();
        chats.push(chat);
    }
    let mut tasks = JoinSet::new();
    for chat in &chats {
        for deed in [
            Deed::Pin(1),
            Deed::Finish,
            Deed::Archive(true),
            Deed::PinAsBob(1),
            Deed::Say,
        ] {
            let (scene, chat) = (Arc::clone(&scene), chat.clone());
            tasks.spawn(async move { act(&scene, &chat, deed).await });
        }
        let (scene, chat) = (Arc::clone(&scene), chat.clone());
        tasks.spawn(async move {
            let new = NewChat {
                parent_chat_id: Some(chat.id),
                ..scene.new_chat(ada, "child")
            };
            let mut unit = begin(scene.store()).await;
            unit.chat_lock(chat.id, None).await?;
            unit.chat_create(&new).await?;
            unit.commit().await
        });
    }
    let ending = Arc::clone(&scene);
    tasks.spawn(async move {
        let mut unit = begin(ending.store()).await;
        unit.user_lock(ada).await?;
        unit.user_delete(ada).await?;
        unit.commit().await
    });
    while let Some(done) = tasks.join_next().await {
        match done.unwrap() {
            // Too late: the account has ended, or the chat is archived.
            Ok(()) | Err(StoreError::Refused(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let left = "SELECT count(*) FROM chats WHERE lease_id IS NOT NULL OR NOT archived";
    // A child that was made just before is archived as well.
    assert_eq!(scene.count(left).await, 0);
    assert_eq!(
        scene
            .count("SELECT count(*) FROM chat_viewers WHERE pin_order > 0")
            .await,
        0
    );
}
