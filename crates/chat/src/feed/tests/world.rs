//! A chat in memory, and people who look at it.

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
use chrono::{DateTime, Utc};
use dbauthz::{
    Authorized, BoundStore,
    fake::{FakeStore, State},
};
use model::{
    ChatId, OrganizationId, SystemClock, UserId, UuidV7Source,
    chats::{
        Chat, ChatAccess, ChatMessage, ChatPart, ChatStatus, ChatVersions, ClientType, ContentPart,
        MessageId, MessageRole, TurnUsage, Visibility,
    },
    organizations::{Organization, OrganizationMember},
    users::{LoginType, User, UserStatus},
};
use store::{
    StoreResult,
    chat_messages::{ChatNews, SeenVersions},
    chat_turns::{FollowedNews, FollowedTurn},
};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::super::{Feeds, Opening};
use crate::{
    ChatConfig, ChatStream, Closed,
    ports::Reads,
    seats::{Seat, Seats},
};

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

pub(crate) fn message(id: i64, role: MessageRole, revision: i64, text: &str) -> ChatMessage {
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

pub(in crate::feed) fn part(seq: i32, text: &str) -> ChatPart {
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
pub(in crate::feed) struct Book {
    pub(in crate::feed) chat: Option<Chat>,
    messages: Vec<ChatMessage>,
    pub(in crate::feed) parts: Vec<ChatPart>,
    pub(in crate::feed) readers: BTreeSet<UserId>,
}

impl Book {
    pub(in crate::feed) fn chat(&mut self) -> &mut Chat {
        self.chat.as_mut().unwrap()
    }

    /// Something is said, which begins or ends a turn.
    pub(in crate::feed) fn say(&mut self, id: i64, role: MessageRole, text: &str) {
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
    pub(in crate::feed) fn forget(&mut self, from: i64) {
        let versions = &mut self.chat().versions;
        versions.snapshot += 1;
        let revision = versions.snapshot;
        for message in self.messages.iter_mut().filter(|one| one.id.0 >= from) {
            (message.deleted, message.revision) = (true, revision);
        }
    }
}

#[derive(Debug)]
pub(in crate::feed) struct Store {
    book: Mutex<Book>,
    pub(in crate::feed) reads: AtomicUsize,
    pub(in crate::feed) looks: AtomicUsize,
    /// How many turns were asked about, each time that they were.
    pub(in crate::feed) follows: Mutex<Vec<usize>>,
}

impl Store {
    pub(in crate::feed) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }
}

#[async_trait]
impl Reads for Store {
    /// All chats are the one of the book.
    async fn news(&self, id: ChatId, seen: &SeenVersions) -> StoreResult<Option<ChatNews>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let book = self.book();
        let Some(mut chat) = book.chat.clone() else {
            return Ok(None);
        };
        chat.id = id;
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

    async fn follow(&self, turns: &[FollowedTurn]) -> StoreResult<Vec<FollowedNews>> {
        let mut follows = self.follows.lock().unwrap();
        follows.push(turns.len());
        drop(follows);
        let book = self.book();
        let news = |followed: &FollowedTurn| {
            let parts = book.parts.iter().filter(|part| part.seq >= followed.parts);
            let chat = book.chat.as_ref();
            FollowedNews {
                chat_id: followed.turn.chat_id,
                changed: chat.is_none_or(|chat| chat.versions.snapshot != followed.snapshot),
                parts: parts.cloned().collect(),
            }
        };
        let all = turns.iter().map(news);
        Ok(all
            .filter(|one| one.changed || !one.parts.is_empty())
            .collect())
    }

    async fn acl(&self, _root: ChatId) -> StoreResult<Option<ChatAccess>> {
        Ok(None)
    }

    async fn chats(&self, chats: &[ChatId]) -> StoreResult<Vec<Option<Chat>>> {
        Ok(vec![self.book().chat.clone(); chats.len()])
    }

    async fn clock(&self) -> StoreResult<DateTime<Utc>> {
        Ok(DateTime::UNIX_EPOCH)
    }
}

pub(in crate::feed) struct World {
    pub(in crate::feed) store: Arc<Store>,
    pub(in crate::feed) people: FakeStore,
    pub(in crate::feed) opening: Opening,
}

impl World {
    /// Where nothing is looked at by itself.
    pub(in crate::feed) fn new() -> Self {
        Self::looking(Duration::from_secs(3_600))
    }

    pub(in crate::feed) fn looking(every: Duration) -> Self {
        Self::following(every, every)
    }

    /// Where a chat is looked at, and turns elsewhere are followed, so often.
    pub(in crate::feed) fn following(look_every: Duration, follow_every: Duration) -> Self {
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
            follows: Mutex::default(),
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
        let config = ChatConfig {
            look_every,
            follow_every,
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

    pub(in crate::feed) async fn caller(&self, user: UserId) -> Caller {
        let caller = auth::on_behalf_of(&self.opening.auth, user, ORG, None);
        caller.await.unwrap()
    }

    pub(in crate::feed) async fn open(
        &self,
        user: UserId,
        after: Option<i64>,
    ) -> Result<ChatStream, Closed> {
        self.open_at(user, CHAT, after).await
    }

    pub(in crate::feed) async fn open_at(
        &self,
        user: UserId,
        chat: ChatId,
        after: Option<i64>,
    ) -> Result<ChatStream, Closed> {
        let seat = Seats::default().take(user, 0, 1).unwrap();
        self.open_sitting(user, seat, chat, after).await
    }

    pub(in crate::feed) async fn open_sitting(
        &self,
        user: UserId,
        seat: Seat,
        chat: ChatId,
        after: Option<i64>,
    ) -> Result<ChatStream, Closed> {
        let caller = self.caller(user).await;
        let after = after.map(MessageId);
        ChatStream::open(self.opening.clone(), caller, seat, chat, after).await
    }

    pub(in crate::feed) fn change(&self, change: impl FnOnce(&mut Book)) {
        change(&mut self.store.book());
        self.opening.feeds.changed(CHAT);
    }

    pub(in crate::feed) fn reads(&self) -> usize {
        self.store.reads.load(Ordering::SeqCst)
    }
}

pub(in crate::feed) async fn soon<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(20), work).await;
    done.expect("it came in time")
}
