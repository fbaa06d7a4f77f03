//! The seams joined to the house: the authorized store, and the gateway.

use async_trait::async_trait;
use auth::{AuthError, AuthState};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use dbauthz::{Authorized, BoundStore, ChatCallError, SystemActor, SystemStore};
use futures_util::StreamExt;
use gateway::{AskFor, AskRefusal, Gateway};
use http::header;
use http_body_util::BodyStream;
use model::{
    ChatFileId, ChatId, LeaseId,
    chats::{Chat, ChatAccess, ChatFileBytes, ChatPart, ChatTurn, TurnEnd, TurnKey},
    prices::ProviderKind,
};
use store::{
    StoreError, StoreResult,
    chat_messages::{ChatNews, SeenVersions},
    chat_turns::{FollowedNews, FollowedTurn, TurnStanding},
    chats::ViewerPlace,
};
use uuid::Uuid;

use crate::{
    lapsed::Lapsed,
    ports::{
        Answer, Answerer, Asking, BrokenOff, Keeping, Models, Pieces, Reads, Refusal, Swept,
        TurnLease, Turns,
    },
};

/// Turns, behind the authorized store.
#[derive(Debug)]
pub(crate) struct StoreTurns {
    store: SystemStore,
    lapsed: Lapsed,
}

impl StoreTurns {
    pub(crate) fn new(authorized: &Authorized) -> Self {
        let store = || authorized.as_system(SystemActor::ChatEngine);
        Self {
            store: store(),
            lapsed: Lapsed::new(store()),
        }
    }
}

#[async_trait]
impl Turns for StoreTurns {
    async fn get(&self, chat: ChatId, lease: LeaseId) -> StoreResult<Option<ChatTurn>> {
        let mut unit = self.store.begin().await?;
        let turn = unit.chat_turns().chat_turn_get(chat, lease).await?;
        unit.commit().await?;
        Ok(turn)
    }

    async fn key(&self, chat: ChatId, lease: LeaseId) -> StoreResult<Option<TurnKey>> {
        let mut unit = self.store.begin().await?;
        let key = unit.chat_turns().chat_turn_key_get(chat, lease).await?;
        unit.commit().await?;
        Ok(key)
    }

    async fn standings(&self, turns: &[TurnKey], lease: LeaseId) -> StoreResult<Vec<TurnStanding>> {
        let mut unit = self.store.begin().await?;
        let mut chat_turns = unit.chat_turns();
        let standings = chat_turns.chat_turn_standing_list(turns, lease).await?;
        unit.commit().await?;
        Ok(standings)
    }

    async fn append(&self, turn: TurnKey, parts: &[ChatPart]) -> StoreResult<bool> {
        let mut unit = self.store.begin().await?;
        let runs = unit.chat_turns().chat_parts_append(turn, parts).await?;
        unit.commit().await?;
        Ok(runs)
    }

    async fn finish(
        &self,
        turn: TurnKey,
        lease: LeaseId,
        end: &TurnEnd,
    ) -> StoreResult<Option<TurnKey>> {
        let mut unit = self.store.begin().await?;
        let next = unit.chat_turns().chat_turn_finish(turn, lease, end).await?;
        unit.commit().await?;
        Ok(next)
    }

    async fn sweep(&self, after: Option<ChatId>, limit: u32) -> StoreResult<Swept> {
        self.lapsed.sweep(after, limit).await
    }
}

/// The gateway, asked as a turn's owner.
#[derive(Debug)]
pub(crate) struct GatewayModels {
    auth: AuthState,
    gateway: Gateway,
}

impl GatewayModels {
    pub(crate) const fn new(auth: AuthState, gateway: Gateway) -> Self {
        Self { auth, gateway }
    }
}

/// A turn is its owner's, whoever or whatever had it run: a token that may only make chats, or send messages, runs turns
/// at its owner's cost. What such a token may not do itself, use a provider, the owner must be allowed by their own roles,
/// as they are when the turn asks; and the owner's budget and caps hold.
#[async_trait]
impl Models for GatewayModels {
    async fn lease(&self) -> StoreResult<TurnLease> {
        let lease = self.gateway.lease().await?;
        Ok(TurnLease::new(lease.id(), lease))
    }

    async fn asking(
        &self,
        turn: &ChatTurn,
        provider: &str,
        request_id: Uuid,
    ) -> Result<Box<dyn Asking>, Refusal> {
        let (owner, organization) = (turn.owner_id, turn.organization_id);
        let request_id = Some(request_id);
        let caller = auth::on_behalf_of(&self.auth, owner, organization, request_id).await;
        let store = caller.map_err(ended)?.store;
        let checked = async {
            let mut unit = store.read().await?;
            unit.chats().chat_turn_check(turn.key.chat_id).await
        };
        checked.await.map_err(unfit)?;
        let whom = AskFor {
            user_id: owner,
            organization_id: organization,
            request_id,
        };
        let asking = self.gateway.asking(whom, provider).await;
        let asking = asking.map_err(|refusal| match refusal {
            AskRefusal::Ended(text) => Refusal::Ended(text.to_owned()),
            AskRefusal::Forbidden => Refusal::Forbidden,
            AskRefusal::NoProvider => Refusal::NoProvider,
            AskRefusal::Failed(error) => Refusal::Failed(error),
        })?;
        Ok(Box::new(GatewayAsking { store, asking }))
    }
}

fn ended(error: AuthError) -> Refusal {
    match error {
        AuthError::Store(error) => Refusal::Failed(error),
        other => Refusal::Ended(other.message().to_owned()),
    }
}

fn unfit(error: ChatCallError) -> Refusal {
    match error {
        ChatCallError::Store(error) if error.hidden() => {
            Refusal::Ended("You may not use this chat any more.".to_owned())
        }
        ChatCallError::Store(error) => Refusal::Failed(error),
        ChatCallError::Workspace(_) => Refusal::Workspace,
        other => Refusal::Ended(other.to_string()),
    }
}

#[derive(Debug)]
struct GatewayAsking {
    store: BoundStore,
    asking: gateway::Asking,
}

#[async_trait]
impl Asking for GatewayAsking {
    fn kind(&self) -> ProviderKind {
        self.asking.kind()
    }

    fn request_limit(&self) -> usize {
        self.asking.request_limit()
    }

    async fn output_cap(&self, model: &str) -> u64 {
        self.asking.output_cap(model).await
    }

    async fn file(&self, id: ChatFileId) -> StoreResult<Option<ChatFileBytes>> {
        let mut unit = self.store.read().await?;
        match unit.chat_files().chat_file_bytes_get(id).await {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.hidden() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn ask(self: Box<Self>, body: Bytes) -> Answer {
        let (by, response, usage_event_id) = match self.asking.ask(body).await {
            gateway::Answer::Provider {
                response,
                usage_event_id,
            } => (Answerer::Provider, response, usage_event_id),
            gateway::Answer::Gateway(response) => (Answerer::Gateway, response, None),
            gateway::Answer::Ended(response) => (Answerer::Ended, response, None),
        };
        let (head, body) = response.into_parts();
        let kind = head.headers.get(header::CONTENT_TYPE);
        // A provider that says nothing of the type was asked for a stream.
        let plain = kind.is_some_and(|kind| {
            let kind = kind.as_bytes().to_ascii_lowercase();
            kind.starts_with(b"application/json")
        });
        let pieces = BodyStream::new(body).filter_map(async |frame| match frame {
            Ok(frame) => frame.into_data().ok().map(Ok),
            Err(_broken) => Some(Err(BrokenOff)),
        });
        let pieces: Pieces = Box::pin(pieces);
        Answer {
            by,
            status: head.status.as_u16(),
            events: !plain,
            usage_event_id,
            pieces,
        }
    }
}

/// What is read for all who look on, behind the authorized store.
#[derive(Debug)]
pub(crate) struct StoreReads(SystemStore);

impl StoreReads {
    pub(crate) fn new(authorized: &Authorized) -> Self {
        Self(authorized.as_system(SystemActor::ChatFeed))
    }
}

/// Nothing, of what is not there.
fn found<T>(result: StoreResult<T>) -> StoreResult<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl Reads for StoreReads {
    async fn news(&self, chat: ChatId, seen: &SeenVersions) -> StoreResult<Option<ChatNews>> {
        let mut unit = self.0.read().await?;
        found(unit.chat_messages().chat_news_get(chat, seen).await)
    }

    async fn readable_by(&self, chat: ChatId, people: &[&BoundStore]) -> StoreResult<Vec<bool>> {
        let mut unit = self.0.read().await?;
        unit.chat_viewers().chat_readable_by(chat, people).await
    }

    async fn follow(&self, turns: &[FollowedTurn]) -> StoreResult<Vec<FollowedNews>> {
        let mut unit = self.0.read().await?;
        unit.chat_viewers().chat_turn_follow_list(turns).await
    }

    async fn acl(&self, root: ChatId) -> StoreResult<Option<ChatAccess>> {
        let mut unit = self.0.read().await?;
        unit.chat_viewers().chat_acl_look(root).await
    }

    async fn chats(&self, chats: &[ChatId]) -> StoreResult<Vec<Option<Chat>>> {
        let mut unit = self.0.read().await?;
        let mut all = Vec::with_capacity(chats.len());
        for chat in chats {
            all.push(found(unit.chats().chat_get(*chat).await)?);
        }
        Ok(all)
    }

    async fn clock(&self) -> StoreResult<DateTime<Utc>> {
        let mut unit = self.0.read().await?;
        unit.chat_viewers().chat_clock_get().await
    }
}

/// Keeping order, behind the authorized store.
#[derive(Debug)]
pub(crate) struct StoreKeeping(SystemStore);

impl StoreKeeping {
    pub(crate) fn new(authorized: &Authorized) -> Self {
        Self(authorized.as_system(SystemActor::ChatKeeper))
    }
}

#[async_trait]
impl Keeping for StoreKeeping {
    async fn archive_old(&self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        let mut unit = self.0.begin().await?;
        let archived = unit.chat_upkeep().chat_archive_old(before, limit).await?;
        unit.commit().await?;
        Ok(archived)
    }

    async fn purge(&self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        let mut unit = self.0.begin().await?;
        let removed = unit.chat_upkeep().chat_purge(before, limit).await?;
        unit.commit().await?;
        Ok(removed)
    }

    async fn prune_files(&self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        let mut unit = self.0.begin().await?;
        let removed = unit.chat_upkeep().chat_file_prune(before, limit).await?;
        unit.commit().await?;
        Ok(removed)
    }

    async fn prune_acl(&self, limit: u32) -> StoreResult<u64> {
        let mut unit = self.0.begin().await?;
        let removed = unit.chat_upkeep().chat_acl_prune(limit).await?;
        unit.commit().await?;
        Ok(removed)
    }

    async fn prune_viewers(
        &self,
        after: Option<ViewerPlace>,
        limit: u32,
    ) -> StoreResult<(u64, Option<ViewerPlace>)> {
        let mut unit = self.0.begin().await?;
        let pruned = unit.chat_upkeep().chat_viewer_prune(after, limit).await?;
        unit.commit().await?;
        Ok(pruned)
    }
}
