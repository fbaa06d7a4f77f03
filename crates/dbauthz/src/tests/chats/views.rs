//! What readers see of a chat, for how long, and that it is not what its owner sees.

use model::{
    ChatId, UserId,
    acl::AclChange,
    chats::{
        AclExpiry, ChatError, ChatErrorKind, ChatFilter, ChatSources, MessageWindow, NewChat,
        ViewerUpdate,
    },
};
use store::chat_messages::SeenVersions;
use uuid::Uuid;

use super::{ROBOT, bound, end, member, owner, robot, someone, store, through};
use crate::{
    Authorized, ChatSharing, SystemActor,
    fake::FakeStore,
    news_for_readers,
    tests::{
        cases::chats::new_chat,
        chat_world::{DEEP, PART, SAID, TALK},
        world::{ANN, BOB, GROUP, OLGA, OTTO},
    },
};

async fn sees(store: &FakeStore, id: UserId, subject: rbac::Subject, chat: ChatId) -> &'static str {
    let mut unit = someone(store, id, subject).read().await.unwrap();
    end(unit.chats().chat_get(chat).await.map_err(Into::into))
}

async fn revoke(store: &FakeStore, users: &[UserId], group: bool) {
    let users: Vec<_> = users.iter().map(ToString::to_string).collect();
    let users = users.iter().map(|id| (id.as_str(), ""));
    let makers = GROUP.to_string();
    let groups = group.then_some((makers.as_str(), ""));
    let change = AclChange::parse(users, groups);
    let mut unit = someone(store, ANN, member(ANN)).begin().await.unwrap();
    let mut chats = unit.chats();
    chats
        .chat_acl_update(TALK, &change, AclExpiry::Keep)
        .await
        .unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn a_family_is_read_and_lost_as_one() {
    let store = store();
    let new = NewChat {
        parent_chat_id: Some(DEEP),
        ..new_chat()
    };
    let mut unit = someone(&store, ANN, member(ANN)).begin().await.unwrap();
    unit.chats().chat_create(&new).await.unwrap();
    unit.commit().await.unwrap();
    let by_group = || member(OTTO).groups([GROUP.0]);
    let check = async |bob: &str, otto: &str| {
        for chat in [TALK, PART, DEEP, new.id] {
            assert_eq!(sees(&store, BOB, member(BOB), chat).await, bob, "{chat}");
            assert_eq!(sees(&store, OTTO, by_group(), chat).await, otto, "{chat}");
        }
    };
    check("+", "+").await;
    revoke(&store, &[BOB], false).await;
    check("?", "+").await;
    // Whoever leaves the group loses it without any change of the ACL.
    assert_eq!(sees(&store, OTTO, member(OTTO), DEEP).await, "?");
    revoke(&store, &[ROBOT], true).await;
    check("?", "?").await;
    let mut unit = someone(&store, ANN, member(ANN)).read().await.unwrap();
    assert!(!unit.chats().chat_get(TALK).await.unwrap().shared);
}

#[tokio::test]
async fn readers_see_neither_what_waits_nor_what_was_used_nor_what_may_be_spent() {
    let store = store();
    let limit = ChatError {
        message: "You have spent $5 of $5; it resets on Monday.".to_owned(),
        detail: Some("$5".to_owned()),
        kind: ChatErrorKind::UsageLimit,
        provider: None,
        retryable: false,
        status_code: Some(429),
    };
    {
        let mut state = store.state();
        state.chat_messages[0].deleted = true;
        state.chat(TALK).unwrap().chat.last_error = Some(limit.clone());
        state.chat(TALK).unwrap().chat.pin_order = 3;
        state.chat_queue[0].chat_id = TALK;
    }
    let everything = MessageWindow {
        limit: 9,
        ..MessageWindow::default()
    };
    let check = async |id: UserId, subject, owner: bool| {
        let mut unit = someone(&store, id, subject).read().await.unwrap();
        let chat = unit.chats().chat_get(TALK).await.unwrap();
        let told = chat.last_error.as_ref() == Some(&limit);
        assert_eq!(told, owner, "{id} {:?}", chat.last_error);
        assert_eq!(chat.pin_order == 3, owner);
        let mut messages = unit.chat_messages();
        let page = messages.chat_message_list(TALK, &everything).await.unwrap();
        let used = page.messages.iter().any(|one| one.usage.is_some());
        assert_eq!(used, owner);
        assert_eq!(page.messages.len(), 1);
        let queue = messages.chat_queue_list(TALK).await.unwrap();
        assert_eq!(queue.is_empty(), !owner);
        let seen = SeenVersions::default();
        let news = messages.chat_news_get(TALK, &seen).await.unwrap();
        assert_eq!(news.queue.is_empty(), !owner);
        assert_eq!(news.messages.len(), 2);
        let gone = news.messages.iter().find(|one| one.id == SAID).unwrap();
        assert!(gone.deleted);
        assert_eq!(gone.content.is_empty(), !owner);
        let told = format!("{news:?}").contains("$5");
        assert_eq!(told, owner);
        let both = ChatFilter {
            sources: ChatSources::Both,
            ..ChatFilter::default()
        };
        let page = unit.chats().chat_list(&both).await.unwrap();
        let told = format!("{page:?}").contains("$5");
        assert_eq!(told, owner);
    };
    check(ANN, member(ANN), true).await;
    check(BOB, member(BOB), false).await;
    check(OLGA, owner(OLGA), false).await;
    // The feed makes of what it sees what readers may see.
    let feed = Authorized::new(std::sync::Arc::new(store.clone())).as_system(SystemActor::ChatFeed);
    let mut unit = feed.read().await.unwrap();
    let seen = SeenVersions::default();
    let news = unit
        .chat_messages()
        .chat_news_get(TALK, &seen)
        .await
        .unwrap();
    assert!(!news.queue.is_empty() && format!("{news:?}").contains("$5"));
    let shown = news_for_readers(news);
    assert!(shown.queue.is_empty() && !format!("{shown:?}").contains("$5"));
    assert!(shown.messages.iter().all(|one| one.usage.is_none()));
    assert_eq!(shown.chat.chat.pin_order, 0);
}

#[tokio::test]
async fn those_who_look_are_judged_each_by_their_own_rights() {
    let store = store();
    let people = |sharing| {
        let talk = format!("chat:{PART}");
        let bob = through(member(BOB), &["all"], &[&talk]);
        [
            (ANN, member(ANN)),
            (BOB, member(BOB)),
            (BOB, bob),
            (OTTO, member(OTTO).groups([GROUP.0])),
            (OTTO, member(OTTO)),
            (OLGA, owner(OLGA)),
            (ROBOT, robot()),
            (BOB, rbac::Subject::user(BOB.0)),
        ]
        .map(|(id, subject)| bound(&store, sharing, id, subject))
    };
    let check = async |sharing, chat: ChatId, expected: [u8; 8]| {
        let people = people(sharing);
        let people: Vec<_> = people.iter().collect();
        let authorized = Authorized::new(std::sync::Arc::new(store.clone()));
        let feed = authorized.as_system(SystemActor::ChatFeed);
        let mut unit = feed.read().await.unwrap();
        let may = unit.chat_viewers().chat_readable_by(chat, &people).await;
        assert_eq!(may.unwrap(), expected.map(|may| may == 1), "{chat}");
    };
    let on = ChatSharing::ByOrganization;
    check(on, TALK, [1, 1, 0, 1, 0, 1, 1, 0]).await;
    check(on, PART, [1, 1, 1, 1, 0, 1, 1, 0]).await;
    check(on, DEEP, [1, 1, 0, 1, 0, 1, 1, 0]).await;
    check(on, ChatId(Uuid::nil()), [0; 8]).await;
    check(ChatSharing::Disabled, TALK, [1, 0, 0, 0, 0, 1, 0, 0]).await;
    revoke(&store, &[BOB], false).await;
    check(on, PART, [1, 0, 0, 1, 0, 1, 1, 0]).await;
    store.state().organizations[0].chat_sharing = false;
    check(on, TALK, [1, 0, 0, 0, 0, 1, 0, 0]).await;
}

#[tokio::test]
async fn while_sharing_is_off_nothing_is_shown_as_shared() {
    let check = async |sharing, organization, expected: bool| {
        let store = store();
        store.state().organizations[0].chat_sharing = organization;
        let mut unit = bound(&store, sharing, ANN, member(ANN))
            .read()
            .await
            .unwrap();
        let mut chats = unit.chats();
        assert_eq!(chats.chat_get(DEEP).await.unwrap().shared, expected);
        let listed = chats.chat_list(&ChatFilter::default()).await.unwrap();
        let family = listed.chats.iter().find(|one| one.root.id == TALK).unwrap();
        assert_eq!(family.root.shared, expected);
        assert!(family.children.iter().all(|one| one.shared == expected));
        let parts = chats.chat_child_list(TALK).await.unwrap();
        assert!(parts.len() == 2 && parts.iter().all(|one| one.shared == expected));
    };
    check(ChatSharing::ByOrganization, true, true).await;
    check(ChatSharing::ByOrganization, false, false).await;
    check(ChatSharing::Disabled, true, false).await;
}

#[tokio::test]
async fn a_reader_keeps_what_nobody_else_sees() {
    let store = store();
    let update = ViewerUpdate {
        pin_order: Some(2),
        hidden: Some(true),
        ..ViewerUpdate::default()
    };
    let check = async |id: UserId, chat: ChatId, update: ViewerUpdate, expected: &str| {
        let mut unit = someone(&store, id, member(id)).begin().await.unwrap();
        let ended = unit.chats().chat_viewer_update(chat, &update).await;
        unit.commit().await.unwrap();
        assert_eq!(end(ended), expected, "{id} of {chat}");
    };
    let read = ViewerUpdate {
        last_read: Some(SAID),
        ..ViewerUpdate::default()
    };
    check(BOB, TALK, update, "+").await;
    check(BOB, DEEP, update, "i").await;
    check(BOB, DEEP, read, "+").await;
    check(ANN, TALK, update, "n").await;
    check(ANN, TALK, read, "+").await;
    check(OTTO, TALK, read, "?").await;
    let state = store.state();
    assert_eq!(state.chat_viewers[&(TALK, BOB)].pin_order, Some(2));
    assert_eq!(state.chat_viewers[&(TALK, ANN)], read);
}
