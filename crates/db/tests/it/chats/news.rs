//! What changed in a chat since somebody looked last.

use db::local::LocalRole;
use db::{ChatChange, Hint};
use model::{
    acl::Principal,
    chats::{NewMessage, Visibility},
};
use store::chat_messages::SeenVersions;

use super::{Scene, answer, saying};
use crate::support::{begin, read};

#[tokio::test]
async fn news_are_what_changed_since_a_version() {
    let scene = Scene::new().await;
    let mut new = scene.new_chat(scene.team.ada, "hello");
    new.messages.push(NewMessage {
        visibility: Visibility::Model,
        ..saying("for the model")
    });
    let chat = super::make(scene.store(), &new).await;
    scene
        .share(chat.id, &[Principal::User(scene.team.bob)])
        .await;
    let news = async |revision| {
        let seen = SeenVersions {
            revision,
            ..SeenVersions::default()
        };
        let found = read(scene.store())
            .await
            .chat_news_get(chat.id, &seen)
            .await;
        found.unwrap().unwrap()
    };
    let first = news(0).await;
    assert_eq!(first.chat, scene.access(chat.id).await);
    assert_eq!(first.chat.acl.users().len(), 1);
    assert_eq!(
        first.messages.len(),
        1,
        "what is for the model is not news for people"
    );
    let seen = first.chat.chat.versions.snapshot;
    assert_eq!(news(seen).await.messages, []);
    let mut unit = begin(scene.store()).await;
    let waiting = unit
        .chat_queue_create(chat.id, &saying("wait"))
        .await
        .unwrap();
    let also = unit
        .chat_queue_create(chat.id, &saying("wait too"))
        .await
        .unwrap();
    unit.chat_queue_promote(chat.id, also.id).await.unwrap();
    unit.commit().await.unwrap();
    let found = news(seen).await;
    assert_eq!((found.messages, found.queue), (vec![], vec![also, waiting]));
    // What was edited away is news too.
    let mut unit = begin(scene.store()).await;
    let from = first.messages[0].id;
    unit.chat_message_replace(chat.id, from, &saying("hi"), scene.lease)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let found = news(seen).await;
    let deleted: Vec<_> = found.messages.iter().map(|one| one.deleted).collect();
    assert_eq!((deleted, found.queue), (vec![true, false], vec![]));
    // Its words are not kept, and who begins does not hear of it.
    assert_eq!(found.messages[0].content, []);
    let words = format!(
        "SELECT sum(octet_length(content::text)) FROM chat_messages WHERE id = {}",
        from.0
    );
    assert_eq!(scene.count(&words).await, 2);
    assert_eq!(news(0).await.messages, found.messages[1..]);
    let mut unit = read(scene.store()).await;
    let nobody = model::ChatId(crate::support::id());
    let gone = unit.chat_news_get(nobody, &SeenVersions::default()).await;
    assert_eq!(gone.unwrap(), None);
}

#[tokio::test]
async fn servers_hear_what_happens_to_chats() {
    let scene = Scene::new().await;
    let mut listener = db::listen(scene.team.db.url(LocalRole::App).await);
    assert_eq!(listener.next().await, Hint::Connected);
    let client = scene.client().await;
    // What was said until now, without what is about people.
    let mut heard = async || {
        let last = format!("user:{}", scene.team.ada);
        let notify = format!("SELECT pg_notify('bursar_spend', '{last}')");
        client.batch_execute(&notify).await.unwrap();
        let mut heard = Vec::new();
        loop {
            match listener.next().await {
                Hint::Chat { change, id } => heard.push((change, id)),
                Hint::Spend(_) => return heard,
                _ => {}
            }
        }
    };
    use ChatChange::{Acl, Gone, State};
    let chat = scene.chat(scene.team.ada, "hello").await;
    assert_eq!(heard().await, [(State, chat.id)]);
    scene.finish(&chat, &answer("yes")).await;
    assert_eq!(heard().await, [(State, chat.id)]);
    scene
        .share(chat.id, &[Principal::User(scene.team.bob)])
        .await;
    let mut said = heard().await;
    said.sort_by_key(|(change, _)| *change == State);
    assert_eq!(said, [(Acl, chat.id), (State, chat.id)]);
    // Whoever leaves the organization reads no more.
    let mut unit = begin(scene.store()).await;
    unit.organization_member_delete(scene.team.acme, scene.team.bob)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert_eq!(heard().await, [(Acl, chat.id)]);
    let child = scene.child(&chat, "child").await;
    heard().await;
    let gone = format!(
        "BEGIN; SELECT set_config('bursar.actor_name', 'test', true); DELETE FROM chats WHERE id = '{}'; COMMIT",
        chat.id
    );
    scene.client().await.batch_execute(&gone).await.unwrap();
    let mut said = heard().await;
    said.retain(|(change, _)| *change == Gone);
    said.sort_by_key(|(_, id)| id.0);
    assert_eq!(said, [(Gone, chat.id), (Gone, child.id)]);
}
