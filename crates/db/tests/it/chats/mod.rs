//! Chats in the database: families and their ACLs, lists, turns, files, upkeep, and what the audit log says of them.

mod acl;
mod audit;
mod bounds;
mod families;
mod files;
mod finishing;
mod following;
mod lists;
mod news;
mod pins;
mod races;
mod saying;
mod search;
mod sweep;
mod upkeep;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use db::{Database, local::LocalRole};
use model::{
    ChatId, Clock, LeaseId, OrganizationId, SystemClock, UserId,
    acl::{AclDiff, Principal},
    chats::{
        AclExpiry, Chat, ChatAccess, ChatFilter, ChatMessage, ChatPage, ChatSources, ChatUpdate,
        ClientType, ContentPart, MessageRole, NewChat, NewMessage, TurnEnd, TurnKey, Visibility,
    },
};
use rbac::{Object, ResourceType, Visibility as Visible};
use tokio_postgres::Client;

use crate::{
    ledger::lease,
    support::{begin, id, read},
    workspaces::Team,
};

/// A team with a server that runs turns.
pub(crate) struct Scene {
    pub(crate) team: Team,
    pub(crate) lease: LeaseId,
}

pub(crate) fn words(text: &str) -> Vec<ContentPart> {
    vec![ContentPart::Text {
        text: text.to_owned(),
    }]
}

pub(crate) fn saying(text: &str) -> NewMessage {
    NewMessage {
        role: MessageRole::User,
        visibility: Visibility::Both,
        content: words(text),
        created_by: None,
        model: None,
    }
}

pub(crate) fn answer(text: &str) -> TurnEnd {
    TurnEnd {
        content: words(text),
        model: Some("openai/gpt".to_owned()),
        usage: None,
        usage_event_id: None,
        error: None,
    }
}

pub(crate) fn new_chat(
    organization: OrganizationId,
    owner: UserId,
    title: &str,
    lease: LeaseId,
) -> NewChat {
    NewChat {
        id: ChatId(id()),
        organization_id: organization,
        owner_id: owner,
        workspace_id: None,
        parent_chat_id: None,
        title: title.to_owned(),
        title_made: false,
        model: None,
        client_type: ClientType::Api,
        labels: BTreeMap::new(),
        messages: vec![saying(title)],
        lease_id: lease,
    }
}

/// The entries that a change of an ACL sets and takes away.
pub(crate) fn entries(set: &[Principal], removed: &[Principal]) -> AclDiff {
    AclDiff {
        set: set.iter().map(|one| (*one, "read")).collect(),
        removed: removed.to_vec(),
    }
}

/// What a decision about a chat is about.
pub(crate) fn object(found: &ChatAccess) -> Object {
    let chat = &found.chat;
    let object = Object::new(ResourceType::Chat)
        .in_org(chat.organization_id.0)
        .owner(chat.owner_id.0)
        .id(chat.id.0);
    if found.sharing {
        found.acl.onto(object)
    } else {
        object
    }
}

pub(crate) async fn make(store: &Database, new: &NewChat) -> Chat {
    let mut unit = begin(store).await;
    let made = unit.chat_create(new).await.unwrap();
    unit.commit().await.unwrap();
    made
}

pub(crate) async fn share(
    store: &Database,
    root: ChatId,
    diff: &AclDiff,
    expiry: AclExpiry,
) -> Chat {
    let mut unit = begin(store).await;
    unit.chat_lock(root, None).await.unwrap().unwrap();
    unit.chat_acl_update(root, diff, expiry).await.unwrap();
    let found = unit.chat_get(root, None).await.unwrap().unwrap();
    unit.commit().await.unwrap();
    found.chat
}

/// Chats of `ada` (in the first two organizations), `bob` (in the first) and `eve` (in the last two), shared in several
/// ways, by entries that count and by such that have ended; half of them archived.
pub(crate) async fn shared(
    store: &Database,
    organizations: &[OrganizationId],
    people: &[UserId],
) -> Vec<ChatId> {
    let ([acme, beta, core], [ada, bob, eve, ..]) = (organizations, people) else {
        panic!("{organizations:?} {people:?}")
    };
    let everyone = |of: &OrganizationId| Principal::Group(of.everyone());
    let shared = [
        (acme, ada, vec![]),
        (acme, ada, vec![Principal::User(*bob)]),
        (acme, bob, vec![Principal::User(*ada), everyone(acme)]),
        (beta, ada, vec![Principal::User(*eve)]),
        (beta, eve, vec![everyone(beta)]),
        (core, eve, vec![everyone(core)]),
    ];
    let lease = lease(store).await;
    let mut made = Vec::new();
    for (organization, owner, with) in &shared {
        for ended in [false, true] {
            let new = new_chat(**organization, **owner, "shared", lease);
            let chat = make(store, &new).await;
            let expiry = if ended {
                AclExpiry::At(DateTime::UNIX_EPOCH)
            } else {
                AclExpiry::Keep
            };
            share(store, chat.id, &entries(with, &[]), expiry).await;
            made.push(chat.id);
        }
    }
    made
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let team = Team::new().await;
        let lease = lease(&team.store).await;
        Self { team, lease }
    }

    pub(crate) fn store(&self) -> &Database {
        &self.team.store
    }

    pub(crate) async fn client(&self) -> Client {
        self.team.db.client(LocalRole::App).await
    }

    pub(crate) fn new_chat(&self, owner: UserId, title: &str) -> NewChat {
        new_chat(self.team.acme, owner, title, self.lease)
    }

    /// A chat whose first turn runs.
    pub(crate) async fn chat(&self, owner: UserId, title: &str) -> Chat {
        make(self.store(), &self.new_chat(owner, title)).await
    }

    /// A chat whose first turn has ended.
    pub(crate) async fn quiet(&self, owner: UserId, title: &str) -> Chat {
        let chat = self.chat(owner, title).await;
        self.finish(&chat, &answer("yes")).await;
        self.get(chat.id).await
    }

    pub(crate) async fn child(&self, of: &Chat, title: &str) -> Chat {
        let new = NewChat {
            parent_chat_id: Some(of.id),
            ..self.new_chat(of.owner_id, title)
        };
        make(self.store(), &new).await
    }

    pub(crate) async fn access(&self, id: ChatId) -> ChatAccess {
        let found = read(self.store()).await.chat_get(id, None).await;
        found.unwrap().unwrap()
    }

    pub(crate) async fn get(&self, id: ChatId) -> Chat {
        self.access(id).await.chat
    }

    pub(crate) async fn seen_by(&self, viewer: UserId, id: ChatId) -> Chat {
        let found = read(self.store()).await.chat_get(id, Some(viewer)).await;
        found.unwrap().unwrap().chat
    }

    pub(crate) async fn finish(&self, chat: &Chat, end: &TurnEnd) -> Option<TurnKey> {
        let turn = self.get(chat.id).await.turn().unwrap();
        let mut unit = begin(self.store()).await;
        let next = unit.chat_turn_finish(turn, self.lease, end).await.unwrap();
        unit.commit().await.unwrap();
        next
    }

    pub(crate) async fn update(&self, id: ChatId, update: &ChatUpdate) {
        let mut unit = begin(self.store()).await;
        unit.chat_lock(id, None).await.unwrap().unwrap();
        unit.chat_update(id, update).await.unwrap();
        unit.commit().await.unwrap();
    }

    pub(crate) async fn archive(&self, id: ChatId, archived: bool) {
        let update = ChatUpdate {
            archived: Some(archived),
            ..ChatUpdate::default()
        };
        self.update(id, &update).await;
    }

    pub(crate) async fn share(&self, root: ChatId, with: &[Principal]) {
        share(self.store(), root, &entries(with, &[]), AclExpiry::Keep).await;
    }

    pub(crate) async fn messages(&self, id: ChatId) -> Vec<ChatMessage> {
        let mut unit = read(self.store()).await;
        let seen = store::chat_messages::SeenVersions::default();
        let news = unit.chat_news_get(id, &seen).await.unwrap();
        news.unwrap().messages
    }

    pub(crate) async fn list(&self, viewer: UserId, filter: &ChatFilter) -> ChatPage {
        let mut unit = read(self.store()).await;
        let found = unit.chat_list(filter, viewer, &Visible::All).await;
        found.unwrap()
    }

    /// The titles of what somebody's list shows.
    pub(crate) async fn titles(&self, viewer: UserId, filter: &ChatFilter) -> Vec<String> {
        let page = self.list(viewer, filter).await;
        page.chats.into_iter().map(|one| one.root.title).collect()
    }

    pub(crate) async fn count(&self, query: &str) -> i64 {
        let counted = self.client().await.query_one(query, &[]).await;
        counted.unwrap().get(0)
    }

    /// Makes a chat look as if it had changed last so long ago.
    pub(crate) async fn age(&self, id: ChatId, interval: &str) {
        let age = format!(
            "BEGIN; SELECT set_config('bursar.actor_name', 'test', true); \
             UPDATE chats SET updated_at = now() - interval '{interval}' WHERE id = '{id}'; COMMIT"
        );
        self.client().await.batch_execute(&age).await.unwrap();
    }
}

/// A long page of somebody's own chats.
pub(crate) fn own() -> ChatFilter {
    ChatFilter {
        limit: 100,
        ..ChatFilter::default()
    }
}

/// A long page of what others share.
pub(crate) fn others() -> ChatFilter {
    ChatFilter {
        sources: ChatSources::Shared,
        ..own()
    }
}

pub(crate) fn days_ago(days: i64) -> DateTime<Utc> {
    SystemClock.now() - Duration::days(days)
}
