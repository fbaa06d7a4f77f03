//! Feeds over a chat in memory: what viewers are told, how often it is read, and who is turned away.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth::{AuthState, Caller};
use bytes::Bytes;
use chrono::DateTime;
use dbauthz::{
    Authorized, BoundStore,
    fake::{FakeStore, State},
};
use model::{
    ChatId, LeaseId, OrganizationId, SystemClock, UserId, UuidV7Source,
    chats::{
        Chat, ChatAccess, ChatError, ChatErrorKind, ChatMessage, ChatPart, ChatStatus,
        ChatVersions, ClientType, ContentPart, MessageId, MessageRole, TurnUsage, Visibility,
    },
    organizations::{Organization, OrganizationMember},
    users::{LoginType, User, UserStatus},
};
use store::{
    StoreResult,
    chat_messages::{ChatNews, SeenVersions},
};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Feeds, Opening};
use crate::{ChatConfig, ChatEvent, ChatStream, Closed, Frame, engine::LiveTurn, ports::Reads};

pub(crate) const CHAT: ChatId = ChatId(Uuid::from_u128(0xc));
pub(crate) const ORG: OrganizationId = OrganizationId(Uuid::from_u128(0x0f));
pub(crate) const OWNER: UserId = UserId(Uuid::from_u128(0xa));
pub(crate) const READER: UserId = UserId(Uuid::from_u128(0xb));
pub(crate) const OTHER: UserId = UserId(Uuid::from_u128(0xd));

/// A chat in which nothing happens.
pub(crate) fn chat() -> Chat {
    Chat {
        id: CHAT,
        organization_id: ORG,
        owner_id: OWNER,
        owner_username: "ann".parse().unwrap(),
        owner_name: "Ann".to_owned(),
        workspace_id: None,
        parent_chat_id: None,
        root_chat_id: CHAT,
        title: "November".to_owned(),
        model: None,
        client_type: ClientType::Api,
        labels: [].into(),
        archived: false,
        pin_order: 0,
        status: ChatStatus::Waiting,
        last_error: None,
        shared: true,
        has_unread: false,
        hidden: false,
        versions: ChatVersions::default(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn message(id: i64, role: MessageRole, revision: i64, text: &str) -> ChatMessage {
    let usage = TurnUsage {
        input_tokens: 7,
        output_tokens: 2,
    };
    ChatMessage {
        id: MessageId(id),
        chat_id: CHAT,
        role,
        visibility: Visibility::Both,
        content: vec![ContentPart::Text { text: text.into() }],
        created_by: None,
        model: None,
        usage: (role == MessageRole::Assistant).then_some(usage),
        deleted: false,
        revision,
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn part(seq: i32, text: &str) -> ChatPart {
    let part = ContentPart::Text { text: text.into() };
    ChatPart { seq, part }
}

fn user(id: UserId, username: &str) -> User {
    User {
        id,
        email: format!("{username}@example.com").parse().unwrap(),
        username: username.parse().unwrap(),
        name: String::new(),
        status: UserStatus::Active,
        login_type: LoginType::Password,
        roles: Vec::new(),
        organization_ids: vec![ORG],
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        last_seen_at: None,
    }
}

/// Everybody there is.
pub(crate) fn users() -> Vec<User> {
    vec![user(OWNER, "ann"), user(READER, "bob"), user(OTHER, "cem")]
}

/// All of them in the organization.
pub(crate) fn members() -> Vec<OrganizationMember> {
    let member = |user: User| OrganizationMember {
        organization_id: ORG,
        user_id: user.id,
        username: user.username,
        name: String::new(),
        email: String::new(),
        roles: Vec::new(),
        global_roles: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    users().into_iter().map(member).collect()
}

pub(crate) fn organization() -> Organization {
    Organization {
        id: ORG,
        name: "acme".parse().unwrap(),
        display_name: String::new(),
        description: String::new(),
        icon: String::new(),
        default: true,
        default_org_member_roles: Vec::new(),
        shareable_workspace_owners: rbac::ShareableOwners::Everyone,
        chat_sharing: true,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

/// The chat as the store has it.
#[derive(Debug)]
struct Book {
    chat: Option<Chat>,
    messages: Vec<ChatMessage>,
    parts: Vec<ChatPart>,
    readers: BTreeSet<UserId>,
}

impl Book {
    fn chat(&mut self) -> &mut Chat {
        self.chat.as_mut().unwrap()
    }

    /// Something is said, which begins or ends a turn.
    fn say(&mut self, id: i64, role: MessageRole, text: &str) {
        let versions = &mut self.chat().versions;
        versions.snapshot += 1;
        versions.history = versions.snapshot;
        let revision = versions.snapshot;
        let running = role == MessageRole::User;
        versions.attempt = i64::from(running);
        self.chat().status = match running {
            true => ChatStatus::Running,
            false => ChatStatus::Waiting,
        };
        self.parts.clear();
        self.messages.push(message(id, role, revision, text));
    }

    /// Everything from this message on is edited away.
    fn forget(&mut self, from: i64) {
        let versions = &mut self.chat().versions;
        versions.snapshot += 1;
        let revision = versions.snapshot;
        for message in self.messages.iter_mut().filter(|one| one.id.0 >= from) {
            (message.deleted, message.revision) = (true, revision);
        }
    }
}

#[derive(Debug)]
struct Store {
    book: Mutex<Book>,
    reads: AtomicUsize,
    looks: AtomicUsize,
}

impl Store {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }
}

#[async_trait]
impl Reads for Store {
    async fn news(&self, _chat: ChatId, seen: &SeenVersions) -> StoreResult<Option<ChatNews>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let book = self.book();
        let Some(chat) = book.chat.clone() else {
            return Ok(None);
        };
        let newer = |message: &&ChatMessage| message.revision > seen.revision;
        let same = chat
            .turn()
            .is_some_and(|turn| (turn.history_version, turn.attempt) == seen.turn);
        let known = if same { seen.parts } else { 0 };
        let parts = book.parts.iter().filter(|part| part.seq >= known);
        Ok(Some(ChatNews {
            messages: book.messages.iter().filter(newer).cloned().collect(),
            queue: Vec::new(),
            parts: parts.cloned().collect(),
            chat: ChatAccess {
                chat,
                acl: Default::default(),
                sharing: true,
            },
        }))
    }

    async fn readable_by(&self, _chat: ChatId, people: &[&BoundStore]) -> StoreResult<Vec<bool>> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let book = self.book();
        let may = |store: &&BoundStore| {
            let user = store.user_id();
            user == OWNER || book.readers.contains(&user)
        };
        Ok(people.iter().map(may).collect())
    }

    async fn chats(&self, chats: &[ChatId]) -> StoreResult<Vec<Option<Chat>>> {
        Ok(vec![self.book().chat.clone(); chats.len()])
    }
}

struct World {
    store: Arc<Store>,
    people: FakeStore,
    opening: Opening,
}

impl World {
    fn new() -> Self {
        let book = Book {
            chat: Some(chat()),
            messages: Vec::new(),
            parts: Vec::new(),
            readers: [READER, OTHER].into(),
        };
        let store = Arc::new(Store {
            book: Mutex::new(book),
            reads: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
        });
        let people = FakeStore::default();
        *people.state() = State {
            users: users(),
            members: members(),
            organizations: vec![organization()],
            ..State::default()
        };
        let authorized = Authorized::new(Arc::new(people.clone()));
        let auth = AuthState::new(
            authorized,
            Arc::new(SystemClock),
            Arc::new(UuidV7Source),
            None,
        );
        let hour = Duration::from_secs(3_600);
        let config = ChatConfig {
            look_every: hour,
            follow_every: hour,
            ..ChatConfig::default()
        };
        let opening = Opening {
            feeds: Feeds::new(store.clone(), config),
            auth,
            marks: TaskTracker::new(),
        };
        Self {
            store,
            people,
            opening,
        }
    }

    async fn caller(&self, user: UserId) -> Caller {
        let caller = auth::on_behalf_of(&self.opening.auth, user, ORG, None);
        caller.await.unwrap()
    }

    async fn open(&self, user: UserId, after: Option<i64>) -> Result<ChatStream, Closed> {
        let caller = self.caller(user).await;
        ChatStream::open(self.opening.clone(), caller, CHAT, after.map(MessageId)).await
    }

    fn change(&self, change: impl FnOnce(&mut Book)) {
        change(&mut self.store.book());
        self.opening.feeds.changed(CHAT);
    }

    fn reads(&self) -> usize {
        self.store.reads.load(Ordering::SeqCst)
    }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(20), work).await;
    done.expect("it came in time")
}

async fn frame(stream: &mut ChatStream) -> Frame {
    soon(stream.next()).await.unwrap()
}

/// Events in short.
fn short(events: &[ChatEvent]) -> Vec<String> {
    let words = |content: &[ContentPart]| model::chats::text_of(content);
    let one = |event: &ChatEvent| match event {
        ChatEvent::Message(message) => {
            let usage = if message.usage.is_some() { "$" } else { "" };
            format!("{}:{}{usage}", message.id, words(&message.content))
        }
        ChatEvent::Part(part) => format!("+{}:{}", part.seq, words(&[part.part.clone()])),
        ChatEvent::Status(status) => status.to_string(),
        ChatEvent::Error(error) => format!("!{}", error.message),
        ChatEvent::Queue(queue) => format!("queue {}", queue.len()),
        ChatEvent::HistoryReset => "history_reset".to_owned(),
        ChatEvent::PreviewReset => "preview_reset".to_owned(),
    };
    events.iter().map(one).collect()
}

async fn told(stream: &mut ChatStream) -> Vec<String> {
    short(frame(stream).await.events())
}

#[tokio::test]
async fn viewers_see_what_there_is_and_what_happens() {
    let world = World::new();
    world.store.book().say(1, MessageRole::User, "How many?");
    let mut owner = world.open(OWNER, None).await.unwrap();
    let mut reader = world.open(READER, None).await.unwrap();
    assert_eq!(
        told(&mut owner).await,
        ["1:How many?", "queue 0", "running"]
    );
    assert_eq!(told(&mut reader).await, ["1:How many?", "running"]);

    world.change(|book| book.parts = vec![part(0, "Thir"), part(2, "a gap")]);
    assert_eq!(told(&mut owner).await, ["+0:Thir"]);
    assert_eq!(told(&mut reader).await, ["+0:Thir"]);

    world.change(|book| book.say(2, MessageRole::Assistant, "Thirty."));
    let end = ["preview_reset", "2:Thirty.$", "waiting"];
    assert_eq!(told(&mut owner).await, end);
    // What was used is the owner's to know.
    assert_eq!(
        told(&mut reader).await,
        ["preview_reset", "2:Thirty.", "waiting"]
    );

    world.change(|book| {
        book.forget(1);
        book.say(3, MessageRole::User, "And May?");
    });
    assert_eq!(
        told(&mut owner).await,
        ["history_reset", "3:And May?", "running"]
    );
    assert_eq!(
        told(&mut reader).await,
        ["history_reset", "3:And May?", "running"]
    );

    let error = ChatError {
        message: "$1 of $1".to_owned(),
        detail: None,
        kind: ChatErrorKind::UsageLimit,
        provider: None,
        retryable: false,
        status_code: None,
    };
    for _ in 0..2 {
        world.change(|book| {
            book.chat().versions.snapshot += 1;
            book.chat().status = ChatStatus::Error;
            book.chat().last_error = Some(error.clone());
        });
    }
    assert_eq!(told(&mut owner).await, ["error", "!$1 of $1"]);
    let shown = told(&mut reader).await;
    assert!(shown.len() == 2 && !shown[1].contains('$'), "{shown:?}");
    // Once, however often it is read.
    world.change(|book| book.say(4, MessageRole::User, "Again."));
    assert_eq!(told(&mut owner).await, ["4:Again.", "running"]);
}

#[tokio::test]
async fn who_comes_again_gets_what_is_new_or_everything() {
    let world = World::new();
    {
        let mut book = world.store.book();
        book.say(1, MessageRole::User, "a");
        book.say(2, MessageRole::Assistant, "b");
    }
    let check = async |after, expected: &[&str]| {
        let mut stream = world.open(READER, after).await.unwrap();
        assert_eq!(told(&mut stream).await, expected, "{after:?}");
    };
    check(None, &["1:a", "2:b", "waiting"]).await;
    check(Some(0), &["1:a", "2:b", "waiting"]).await;
    check(Some(1), &["2:b", "waiting"]).await;
    check(Some(2), &["waiting"]).await;
    // It was edited away, or never was.
    check(Some(7), &["history_reset", "1:a", "2:b", "waiting"]).await;
}

#[tokio::test]
async fn many_viewers_cost_one_read_and_one_writing() {
    let world = World::new();
    world.store.book().say(1, MessageRole::User, "How many?");
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(world.open(READER, None).await.unwrap());
    }
    for stream in &mut streams {
        frame(stream).await;
    }
    let before = world.reads();
    assert!(before < 20, "{before} reads for 200 who came");
    world.change(|book| book.say(2, MessageRole::Assistant, "Thirty."));
    let written = AtomicUsize::new(0);
    for stream in &mut streams {
        let frame = frame(stream).await;
        frame.json(|_, events| {
            written.fetch_add(1, Ordering::SeqCst);
            Bytes::from(events.len().to_string())
        });
    }
    assert_eq!((world.reads() - before, written.into_inner()), (1, 1));
    assert_eq!(world.opening.feeds.len(), 1);
    drop(streams);
    soon(async {
        while world.opening.feeds.len() > 0 {
            world.opening.feeds.changed(CHAT);
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_said_here_is_told_without_a_read() {
    let world = World::new();
    world.store.book().say(1, MessageRole::User, "How many?");
    let turn = world.store.book().chat().turn().unwrap();
    let live = LiveTurn::new(turn, LeaseId(Uuid::nil()));
    let _claim = world.opening.feeds.live().claim(&live);
    let mut reader = world.open(READER, None).await.unwrap();
    told(&mut reader).await;
    let before = world.reads();
    for (seq, text) in [(0, "Thir"), (1, "ty.")] {
        live.say(ContentPart::Text { text: text.into() });
        world.opening.feeds.said(CHAT);
        assert_eq!(told(&mut reader).await, [format!("+{seq}:{text}")]);
    }
    assert_eq!(world.reads(), before);
    // Who comes now sees all of it, and nothing twice.
    let mut other = world.open(OTHER, Some(1)).await.unwrap();
    assert_eq!(told(&mut other).await, ["running", "+0:Thir", "+1:ty."]);
}

#[tokio::test]
async fn only_who_may_not_look_any_more_is_turned_away() {
    let world = World::new();
    world.store.book().say(1, MessageRole::User, "How many?");
    let mut owner = world.open(OWNER, None).await.unwrap();
    let mut reader = world.open(READER, None).await.unwrap();
    let mut other = world.open(OTHER, None).await.unwrap();
    world.store.book().readers.remove(&READER);
    let looks = world.store.looks.load(Ordering::SeqCst);
    world.opening.feeds.shared(CHAT);
    // What waits for the one who is turned away is not told any more.
    soon(async { while reader.next().await.is_ok() {} }).await;
    assert_eq!(soon(reader.next()).await.unwrap_err(), Closed::Revoked);
    assert_eq!(world.store.looks.load(Ordering::SeqCst) - looks, 1);
    assert_eq!(world.open(READER, None).await.unwrap_err(), Closed::Revoked);
    for stream in [&mut owner, &mut other] {
        told(stream).await;
    }
    world.change(|book| book.say(2, MessageRole::Assistant, "Thirty."));
    for stream in [&mut owner, &mut other] {
        told(stream).await;
    }
    // Another family's ACL is none of this chat's business.
    let looks = world.store.looks.load(Ordering::SeqCst);
    world.opening.feeds.shared(ChatId(Uuid::from_u128(0xee)));
    world.change(|book| book.say(3, MessageRole::User, "?"));
    told(&mut owner).await;
    assert_eq!(world.store.looks.load(Ordering::SeqCst), looks);
    world.change(|book| book.chat = None);
    for stream in [&mut owner, &mut other] {
        let why = soon(async {
            loop {
                if let Err(why) = stream.next().await {
                    break why;
                }
            }
        });
        assert_eq!(why.await, Closed::Gone);
    }
}

#[tokio::test]
async fn whose_account_ends_is_turned_away_and_whose_rights_change_is_judged() {
    let world = World::new();
    let hub = world.opening.auth.access.clone();
    let looking = tokio::spawn(hub.clone().run(Duration::from_secs(3_600)));
    let mut reader = world.open(READER, None).await.unwrap();
    let mut other = world.open(OTHER, None).await.unwrap();
    told(&mut reader).await;
    told(&mut other).await;
    let change = |id: UserId, change: fn(&mut User)| {
        let mut state = world.people.state();
        change(state.users.iter_mut().find(|user| user.id == id).unwrap());
        drop(state);
        hub.hint(auth::AccessHint::Subject(id.0));
    };
    change(READER, |bob| bob.status = UserStatus::Suspended);
    assert_eq!(soon(reader.next()).await.unwrap_err(), Closed::SignedOut);
    world.store.book().readers.remove(&OTHER);
    change(OTHER, |cem| cem.roles = vec!["auditor".to_owned()]);
    assert_eq!(soon(other.next()).await.unwrap_err(), Closed::Revoked);
    looking.abort();
}

#[tokio::test]
async fn who_is_too_slow_begins_anew_and_who_looks_when_the_server_stops_is_told() {
    let world = World::new();
    let mut slow = world.open(READER, None).await.unwrap();
    let mut quick = world.open(OTHER, None).await.unwrap();
    told(&mut slow).await;
    told(&mut quick).await;
    for id in 1..200 {
        world.change(|book| book.say(id, MessageRole::Assistant, "x"));
        told(&mut quick).await;
    }
    let all = told(&mut slow).await;
    assert_eq!(all[..2], ["preview_reset", "history_reset"]);
    assert_eq!(all.len(), 2 + 199 + 1);
    world.opening.feeds.shutdown().await;
    for stream in [&mut slow, &mut quick] {
        assert_eq!(soon(stream.next()).await.unwrap_err(), Closed::Stopping);
    }
    assert_eq!(
        world.open(READER, None).await.unwrap_err(),
        Closed::Stopping
    );
}
