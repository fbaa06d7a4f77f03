//! Watching over the authorized store, with everything in memory.

mod concerns;

use std::{sync::Arc, time::Duration};

use auth::{AccessHint, AuthState, Caller};
use chrono::TimeDelta;
use dbauthz::{
    Authorized,
    fake::{FakeStore, State},
};
use model::{
    ChatId, SystemClock, UserId, UuidV7Source,
    acl::Principal,
    chats::{ChatAccess, ChatRole, ChatStatus},
    users::UserStatus,
};
use rbac::{ScopeSet, Subject};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{ChatWatch, Notices};
use crate::{
    ChatConfig, Closed, WatchEvent, WatchKind,
    feed::tests::world::{CHAT, ORG, OTHER, OWNER, READER, chat, members, organization, users},
    house::StoreReads,
    seats::Seats,
};

struct World {
    store: FakeStore,
    auth: AuthState,
    notices: Notices,
    running: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.running.cancel();
    }
}

/// What somebody is told.
struct Told(
    mpsc::UnboundedReceiver<Result<WatchEvent, Closed>>,
    JoinHandle<()>,
);

impl Drop for Told {
    fn drop(&mut self) {
        self.1.abort();
    }
}

impl World {
    fn new() -> Self {
        let store = FakeStore::default();
        *store.state() = State {
            now: model::Clock::now(&SystemClock),
            users: users(),
            members: members(),
            organizations: vec![organization()],
            ..State::default()
        };
        let authorized = Authorized::new(Arc::new(store.clone()));
        let reads = Arc::new(StoreReads::new(&authorized));
        let auth = AuthState::new(
            authorized,
            Arc::new(SystemClock),
            Arc::new(UuidV7Source),
            None,
        );
        let config = ChatConfig {
            shares_every: Duration::from_secs(3_600),
            ..ChatConfig::default()
        };
        let notices = Notices::new(reads, config);
        let running = CancellationToken::new();
        tokio::spawn(notices.clone().run(running.clone()));
        tokio::spawn(auth.access.clone().run(Duration::from_secs(3_600)));
        Self {
            store,
            auth,
            notices,
            running,
        }
    }

    async fn caller(&self, user: UserId) -> Caller {
        let caller = auth::on_behalf_of(&self.auth, user, ORG, None);
        caller.await.unwrap()
    }

    /// Somebody with a key that may do this, with these things.
    async fn through(&self, user: UserId, scopes: &[&str], allow_list: &[&str]) -> ChatWatch {
        let mut caller = self.caller(user).await;
        let scope = ScopeSet::parse(scopes, Some(allow_list)).unwrap();
        let subject = Subject::user(user.0).member_of(ORG.0);
        let subject = subject.scope(scope.to_scope()).prepare();
        let mut actor = caller.store.actor().clone();
        actor.subject = Arc::new(subject);
        caller.store = self.auth.authorized.as_actor(actor);
        self.open(caller).await
    }

    async fn open(&self, caller: Caller) -> ChatWatch {
        let seat = Seats::default().take(caller.user_id, 0, 1).unwrap();
        let watch = ChatWatch::open(&self.notices, &self.auth, caller, seat).await;
        watch.unwrap()
    }

    /// What somebody is told from now on, by a task that listens all the time.
    async fn watch(&self, user: UserId) -> Told {
        let mut watch = self.open(self.caller(user).await).await;
        let (tell, told) = mpsc::unbounded_channel();
        let listening = tokio::spawn(async move {
            loop {
                let next = watch.next().await;
                let over = next.is_err();
                if tell.send(next).is_err() || over {
                    return;
                }
            }
        });
        Told(told, listening)
    }

    /// A chat of the owner's, and its family's ACL.
    fn set(&self, change: impl FnOnce(&mut ChatAccess)) {
        let mut state = self.store.state();
        if state.chats.is_empty() {
            let mut chat = chat();
            chat.created_at = state.now;
            state.chats.push(ChatAccess {
                chat,
                acl: Default::default(),
                sharing: true,
            });
        }
        change(&mut state.chats[0]);
        drop(state);
        self.notices.changed(CHAT);
    }

    fn share(&self, with: &[UserId]) {
        let entries = with
            .iter()
            .map(|user| (Principal::User(*user), ChatRole::Read));
        self.store.state().chats[0].acl = entries.collect();
        self.notices.shared(CHAT);
    }
}

async fn next(watch: &mut Told) -> Result<WatchEvent, Closed> {
    let next = tokio::time::timeout(Duration::from_secs(20), watch.0.recv()).await;
    next.expect("it came in time").unwrap()
}

/// What comes next is this, of the chat, which is there or not.
async fn told(watch: &mut Told, kind: WatchKind, there: bool) {
    let event = next(watch).await.unwrap();
    let found = (event.kind, event.chat_id, event.chat.is_some());
    assert_eq!(found, (kind, CHAT, there));
}

#[tokio::test]
async fn the_owner_and_those_it_is_shared_with_are_told() {
    use WatchKind::{AclChange, Created, Deleted, Granted, Revoked, StatusChange, TitleChange};
    let world = World::new();
    let mut owner = world.watch(OWNER).await;
    let mut reader = world.watch(READER).await;
    let mut other = world.watch(OTHER).await;
    world.set(|_| {});
    told(&mut owner, Created, true).await;

    world.share(&[READER]);
    told(&mut owner, AclChange, true).await;
    told(&mut reader, Granted, true).await;

    world.set(|found| found.chat.title = "May".to_owned());
    told(&mut owner, TitleChange, true).await;
    told(&mut reader, TitleChange, true).await;
    // What is not told of changes nothing.
    world.set(|_| {});
    world.set(|found| found.chat.status = ChatStatus::Running);
    told(&mut owner, StatusChange, true).await;
    told(&mut reader, StatusChange, true).await;

    world.share(&[OTHER]);
    told(&mut owner, AclChange, true).await;
    told(&mut reader, Revoked, false).await;
    told(&mut other, Granted, true).await;

    world.set(|found| {
        found.chat.status = ChatStatus::Waiting;
        found.chat.archived = true;
    });
    told(&mut owner, Deleted, true).await;
    told(&mut other, Deleted, true).await;
    // Nothing of it was told to the one who may not know any more.
    world.share(&[OTHER, READER]);
    told(&mut owner, AclChange, true).await;
    told(&mut reader, Granted, true).await;

    world.store.state().chats.clear();
    world.notices.changed(CHAT);
    told(&mut owner, Deleted, false).await;
    told(&mut reader, Deleted, false).await;
}

#[tokio::test]
async fn what_was_not_heard_is_found_when_it_is_compared() {
    let world = World::new();
    world.set(|_| {});
    let mut reader = world.watch(READER).await;
    let share = |with: &[UserId]| {
        let entries = with
            .iter()
            .map(|user| (Principal::User(*user), ChatRole::Read));
        world.store.state().chats[0].acl = entries.collect();
    };
    share(&[READER]);
    world.notices.everything();
    told(&mut reader, WatchKind::Granted, true).await;
    share(&[]);
    world.notices.everything();
    told(&mut reader, WatchKind::Revoked, false).await;
}

#[tokio::test]
async fn watching_ends_with_the_account_and_with_the_server() {
    let world = World::new();
    let mut reader = world.watch(READER).await;
    let mut other = world.watch(OTHER).await;
    {
        let mut state = world.store.state();
        let bob = state.users.iter_mut().find(|user| user.id == READER);
        bob.unwrap().status = UserStatus::Suspended;
    }
    world.auth.access.hint(AccessHint::Subject(READER.0));
    assert_eq!(next(&mut reader).await.unwrap_err(), Closed::Revoked);
    world.running.cancel();
    assert_eq!(next(&mut other).await.unwrap_err(), Closed::Stopping);
}

/// Nobody watches: what happens costs nothing.
#[tokio::test]
async fn without_watchers_nothing_is_read() {
    let world = World::new();
    world.set(|found| found.chat.created_at -= TimeDelta::minutes(1));
    let mut owner = world.watch(OWNER).await;
    world.notices.changed(ChatId(Uuid::from_u128(0x404)));
    world.set(|found| found.chat.title = "May".to_owned());
    // When it was made nobody watched: whoever does has it in their list.
    told(&mut owner, WatchKind::TitleChange, true).await;
    told(&mut owner, WatchKind::StatusChange, true).await;
    let reads = |world: &World| {
        let calls = world.store.calls();
        calls.iter().filter(|name| **name == "chat_get").count()
    };
    drop(owner);
    while world.notices.watched() {
        tokio::task::yield_now().await;
    }
    let before = reads(&world);
    for _ in 0..10 {
        world.set(|_| {});
    }
    let _owner = world.watch(OWNER).await;
    assert_eq!(reads(&world), before);
}

/// Chats that are made while somebody watches are told as new, sub-chats too, however late a server hears of them.
#[tokio::test]
async fn what_is_made_is_told_at_once_to_the_owners_other_tabs() {
    use WatchKind::{Created, TitleChange};
    let world = World::new();
    let mut tabs = [world.watch(OWNER).await, world.watch(OWNER).await];
    world.set(|_| {});
    for tab in &mut tabs {
        told(tab, Created, true).await;
    }
    world.share(&[READER]);
    for tab in &mut tabs {
        told(tab, WatchKind::AclChange, true).await;
    }
    let mut reader = world.watch(READER).await;
    let child = ChatId(Uuid::from_u128(0xc1));
    {
        let mut state = world.store.state();
        let mut made = state.chats[0].clone();
        made.chat.id = child;
        made.chat.parent_chat_id = Some(CHAT);
        state.chats.push(made);
    }
    world.notices.changed(child);
    for watch in tabs.iter_mut().chain([&mut reader]) {
        let event = next(watch).await.unwrap();
        assert_eq!((event.kind, event.chat_id), (Created, child));
    }
    // Whoever begins to watch later is told what it is.
    let mut late = world.watch(OWNER).await;
    world.set(|found| found.chat.title = "May".to_owned());
    for watch in tabs.iter_mut().chain([&mut reader, &mut late]) {
        told(watch, TitleChange, true).await;
    }
}
