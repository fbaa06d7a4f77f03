//! `/chats/watch`: what is told of one's own chats, and of those that others share.

use bursar_sdk::{
    Chat, ChatWatchEvent, ChatWatchEventKind as Kind, Client, UpdateChatRequest, client::Events,
};
use fakeprovider::Script;
use serde_json::json;
use testkit::ServerOptions;
use uuid::Uuid;

use super::{
    stage::{NEVER, Pair, Stage, options},
    stream::{Wire, socket},
};
use crate::support::is;

/// Somebody's stream about chats.
pub(super) struct Watch(Wire);

impl Watch {
    pub(super) async fn events(who: &Client) -> Self {
        let events: Events = who.chat_watch().await.unwrap();
        Self(Wire::Events(events))
    }

    pub(super) async fn socket(who: &Client) -> Self {
        Self(Wire::socket(who, "/watch").await)
    }

    async fn next(&mut self, what: &str) -> ChatWatchEvent {
        let text = self.0.in_time(what).await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Reads on until this is told of a chat; nothing of another chat may come.
    pub(super) async fn told(&mut self, kind: Kind, chat: Uuid) -> Option<Chat> {
        self.told_as(kind, chat, |_| true).await
    }

    /// Reads on until a chat is gone, whatever is told of others.
    pub(super) async fn gone(&mut self, chat: Uuid) {
        loop {
            let event = self.next("the end of a chat").await;
            if event.kind == Kind::Deleted && event.chat_id == chat {
                return;
            }
        }
    }

    /// Reads on until a chat is shown as this, whatever happened to it.
    async fn shown(&mut self, chat: Uuid, wanted: impl Fn(&Option<Chat>) -> bool) {
        loop {
            let event = self.next("a chat").await;
            assert_eq!(event.chat_id, chat, "{event:?}");
            if wanted(&event.chat) {
                return;
            }
        }
    }

    async fn told_as(
        &mut self,
        kind: Kind,
        chat: Uuid,
        wanted: impl Fn(&Option<Chat>) -> bool,
    ) -> Option<Chat> {
        loop {
            let event = self.next(&format!("{kind:?}")).await;
            assert_eq!(event.chat_id, chat, "{event:?}");
            if let Some(chat) = &event.chat {
                assert_eq!(
                    (chat.id, chat.owner_username.as_str()),
                    (event.chat_id, "ada")
                );
            }
            if event.kind == kind && wanted(&event.chat) {
                return event.chat;
            }
        }
    }
}

fn title(title: &str) -> UpdateChatRequest {
    UpdateChatRequest {
        title: Some(title.to_owned()),
        ..UpdateChatRequest::default()
    }
}

#[tokio::test]
async fn an_owner_is_told_of_every_change_at_every_server() {
    let options = ServerOptions {
        access_recheck: NEVER,
        ..options()
    };
    let pair = Pair::new(Script::default(), &options).await;
    let stage = &pair.stage;
    let ada = &stage.ada.client;
    let mut tabs = [
        Watch::events(ada).await,
        Watch::socket(&pair.there(&stage.ada)).await,
    ];
    let chat = stage.chat("Plans").await;
    for tab in &mut tabs {
        let made = tab.told(Kind::Created, chat).await.unwrap();
        assert_eq!(made.title, "Plans");
        let waits = |chat: &Option<Chat>| {
            chat.as_ref()
                .is_some_and(|chat| chat.status == bursar_sdk::ChatStatus::Waiting)
        };
        if !waits(&Some(made)) {
            tab.told_as(Kind::StatusChange, chat, waits).await;
        }
    }
    ada.chat_update(chat, &title("Other plans")).await.unwrap();
    for tab in &mut tabs {
        let renamed = tab.told(Kind::TitleChange, chat).await.unwrap();
        assert_eq!(renamed.title, "Other plans");
    }
    stage.grant(chat, &[stage.vic.id], &[]).await;
    for tab in &mut tabs {
        assert!(tab.told(Kind::AclChange, chat).await.unwrap().shared);
    }
    stage.revoke(chat, &[stage.vic.id], &[]).await;
    for tab in &mut tabs {
        assert!(!tab.told(Kind::AclChange, chat).await.unwrap().shared);
    }
    let archive = |archived| UpdateChatRequest {
        archived: Some(archived),
        ..UpdateChatRequest::default()
    };
    ada.chat_update(chat, &archive(true)).await.unwrap();
    for tab in &mut tabs {
        tab.told(Kind::Deleted, chat).await;
    }
    ada.chat_update(chat, &archive(false)).await.unwrap();
    for tab in &mut tabs {
        tab.told(Kind::Created, chat).await.unwrap();
    }
    // A sub-chat is told as new at once, before anything else of it.
    let child = stage.child(chat, "A part").await;
    for tab in &mut tabs {
        let first = loop {
            let event = tab.next("the sub-chat").await;
            if event.chat_id == child {
                break event;
            }
        };
        assert_eq!(first.kind, Kind::Created);
        assert_eq!(first.chat.unwrap().parent_chat_id, Some(chat));
    }
}

#[tokio::test]
async fn readers_are_told_what_they_may_read_from_when_on_and_until_when() {
    let options = ServerOptions {
        access_recheck: NEVER,
        ..options()
    };
    let pair = Pair::new(Script::default(), &options).await;
    let stage = &pair.stage;
    let chat = stage.chat("Plans").await;
    let other = stage.chat("nobody's").await;
    let mut vic = Watch::socket(&pair.there(&stage.vic)).await;
    let mut gil = Watch::events(&pair.there(&stage.gil)).await;
    let mut xan = Watch::events(&pair.there(&stage.xan)).await;
    let ada = &stage.ada.client;
    ada.chat_update(other, &title("still nobody's"))
        .await
        .unwrap();

    for round in 0..2 {
        stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
        for watch in [&mut vic, &mut gil] {
            let granted = watch.told(Kind::Granted, chat).await.unwrap();
            assert!(granted.shared && granted.owner_id == stage.ada.id);
        }
        let is = |wanted: String| {
            move |chat: &Option<Chat>| chat.as_ref().is_some_and(|chat| chat.title == wanted)
        };
        // Of a young chat the first that a server hears is that it is new.
        let first = format!("first {round}");
        ada.chat_update(chat, &title(&first)).await.unwrap();
        for watch in [&mut vic, &mut gil] {
            watch.shown(chat, is(first.clone())).await;
        }
        let second = format!("second {round}");
        ada.chat_update(chat, &title(&second)).await.unwrap();
        for watch in [&mut vic, &mut gil] {
            watch
                .told_as(Kind::TitleChange, chat, is(second.clone()))
                .await;
        }
        // One by the ACL, one by leaving the group.
        stage.revoke(chat, &[stage.vic.id], &[]).await;
        assert!(vic.told(Kind::Revoked, chat).await.is_none());
        stage.leave(stage.gil.id).await;
        assert!(gil.told(Kind::Revoked, chat).await.is_none());
        stage.join(stage.gil.id).await;
        gil.told(Kind::Granted, chat).await.unwrap();
        stage.revoke(chat, &[], &[stage.group]).await;
        assert!(gil.told(Kind::Revoked, chat).await.is_none());
    }
    // Nothing of all that came to somebody else: the first thing that does is a chat of their own.
    let own = stage
        .xan
        .client
        .chat_create(&stage.new_chat("of Xan"))
        .await
        .unwrap()
        .id;
    let first = xan.next("a chat of their own").await;
    assert_eq!((first.kind, first.chat_id), (Kind::Created, own));
}

#[tokio::test]
async fn switches_and_departures_are_told_as_well() {
    let options = ServerOptions {
        access_recheck: NEVER,
        ..options()
    };
    let pair = Pair::new(Script::default(), &options).await;
    let stage: &Stage = &pair.stage;
    let chat = stage.shared("Plans").await;
    let mut vic = Watch::socket(&pair.there(&stage.vic)).await;
    let mut gil = Watch::events(&pair.there(&stage.gil)).await;
    let path = "/organizations/acme/settings/chat-sharing";
    for (enabled, kind) in [(false, Kind::Revoked), (true, Kind::Granted)] {
        let body = json!({"enabled": enabled});
        let boss = &stage.boss.client;
        is(
            &crate::support::ask(&stage.world, boss, "PATCH", path, &body).await,
            200,
        );
        for watch in [&mut vic, &mut gil] {
            watch.told(kind, chat).await;
        }
    }
    let owner = &stage.world.cast.owner;
    let acme = stage.world.cast.organization_id;
    owner
        .organization_member_delete(acme, stage.vic.id)
        .await
        .unwrap();
    assert!(vic.told(Kind::Revoked, chat).await.is_none());
    owner.user_suspend(stage.gil.id).await.unwrap();
    let end = loop {
        match gil.0.in_time("the end").await {
            Ok(text) => {
                let event: ChatWatchEvent = serde_json::from_str(&text).unwrap();
                assert_eq!(event.kind, Kind::Revoked, "{event:?}");
            }
            Err(end) => break end,
        }
    };
    assert_eq!(end.code, 4403);
}

/// Of each kind a person has so many streams open at a server; one that ends makes room for another.
#[tokio::test]
async fn one_person_has_so_many_streams_open_at_a_server() {
    let stage = Stage::with(Script::default(), &options()).await;
    let chat = stage.shared("Plans").await;
    let vic = &stage.vic.client;
    let stream = format!("/{chat}/stream");
    for (path, most) in [("/watch", 16), (stream.as_str(), 64)] {
        let mut open = Vec::new();
        for _ in 0..most {
            open.push(Wire::socket(vic, path).await);
        }
        let token = vic.token().unwrap().expose();
        let once_more = async || socket(vic, path, &[("bursar-session-token", token)]).await;
        assert_eq!(once_more().await.err(), Some(429), "{path}");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let call = http
            .get(format!("{}api/v2/chats{path}", vic.base_url()))
            .header("accept", "text/event-stream")
            .header("bursar-session-token", token);
        let refused = call.send().await.unwrap();
        assert_eq!(refused.status().as_u16(), 429, "{path}");
        let told: serde_json::Value = refused.json().await.unwrap();
        assert_eq!(told["message"], "Too many open streams.");
        assert!(told["detail"].as_str().unwrap().contains(&most.to_string()));
        // Nobody else has fewer for it.
        drop(Wire::socket(&stage.gil.client, path).await);
        drop(open.pop());
        crate::calls::until("room for another", || async { once_more().await.is_ok() }).await;
    }
}
