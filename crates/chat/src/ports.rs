//! The seams of this crate: what it takes from the rest of the house. `house` fills them, tests fill them otherwise.

use std::{any::Any, fmt, pin::Pin, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use dbauthz::BoundStore;
use futures_util::Stream;
use model::{
    ChatFileId, ChatId, LeaseId, ReservationId,
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

/// This server's lease, which turns are run under. It lives for as long as somebody holds it and the server lives.
#[derive(Clone)]
pub struct TurnLease {
    id: LeaseId,
    _alive: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for TurnLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TurnLease").field(&self.id).finish()
    }
}

impl TurnLease {
    /// A lease that lives for as long as this does.
    pub(crate) fn new(id: LeaseId, alive: impl Any + Send + Sync) -> Self {
        Self {
            id,
            _alive: Arc::new(alive),
        }
    }

    /// Its id: what chats are told to be run under.
    #[must_use]
    pub const fn id(&self) -> LeaseId {
        self.id
    }
}

/// Turns in the store; see [`store::chat_turns::ChatTurnWrite`].
#[async_trait]
pub(crate) trait Turns: Send + Sync + fmt::Debug {
    async fn get(&self, chat: ChatId, lease: LeaseId) -> StoreResult<Option<ChatTurn>>;
    /// Which turn that is, also where it cannot be read.
    async fn key(&self, chat: ChatId, lease: LeaseId) -> StoreResult<Option<TurnKey>>;
    async fn standings(&self, turns: &[TurnKey], lease: LeaseId) -> StoreResult<Vec<TurnStanding>>;
    async fn append(&self, turn: TurnKey, parts: &[ChatPart]) -> StoreResult<bool>;
    async fn finish(
        &self,
        turn: TurnKey,
        lease: LeaseId,
        end: &TurnEnd,
    ) -> StoreResult<Option<TurnKey>>;
    /// Looks at so many chats with turns of servers that have gone, in the order of their ids after one, and ends them.
    async fn sweep(&self, after: Option<ChatId>, limit: u32) -> StoreResult<Swept>;
}

/// What was ended of servers that have gone.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// The chats whose turns were ended.
    pub(crate) ended: Vec<ChatId>,
    /// After which chat to look on; `None` when all were looked at.
    pub(crate) next: Option<ChatId>,
}

/// Who can be asked.
#[async_trait]
pub(crate) trait Models: Send + Sync + fmt::Debug {
    /// This server's lease.
    async fn lease(&self) -> StoreResult<TurnLease>;
    /// Lets a turn's owner ask this provider, if they may still run the turn.
    async fn asking(
        &self,
        turn: &ChatTurn,
        provider: &str,
        request_id: Uuid,
    ) -> Result<Box<dyn Asking>, Refusal>;
}

/// Why a turn asks nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The owner may not act any more, and what they are told.
    #[error("{0}")]
    Ended(String),
    /// The owner may not use AI providers.
    #[error("the owner may not use AI providers")]
    Forbidden,
    /// There is no such provider.
    #[error("there is no such AI provider")]
    NoProvider,
    /// The owner may not work in the chat's workspace any more.
    #[error("the owner may not work in the chat's workspace")]
    Workspace,
    /// The house failed.
    #[error("it cannot be checked")]
    Failed(#[source] StoreError),
}

/// A provider that may be asked for a turn's owner.
#[async_trait]
pub(crate) trait Asking: Send + Sync + fmt::Debug {
    /// Which language it speaks.
    fn kind(&self) -> ProviderKind;
    /// The most bytes of a request.
    fn request_limit(&self) -> usize;
    /// The most output tokens to ask a model for where its language wants a bound.
    async fn output_cap(&self, model: &str) -> u64;
    /// A file that the owner attached; `None` when it is gone.
    async fn file(&self, id: ChatFileId) -> StoreResult<Option<ChatFileBytes>>;
    /// Asks.
    async fn ask(self: Box<Self>, body: Bytes) -> Answer;
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answerer {
    /// The provider.
    Provider,
    /// The gateway, which refuses.
    Gateway,
    /// The gateway, since the owner's access has ended.
    Ended,
}

/// The body of an answer. An error says that it broke off.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BrokenOff>> + Send>>;

/// An answer that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub(crate) struct BrokenOff;

/// An answer. Dropping it is a client that leaves.
pub(crate) struct Answer {
    /// Who answers.
    pub(crate) by: Answerer,
    /// The status.
    pub(crate) status: u16,
    /// Whether it is a stream of events.
    pub(crate) events: bool,
    /// The usage event that it becomes.
    pub(crate) usage_event_id: Option<ReservationId>,
    /// The body.
    pub(crate) pieces: Pieces,
}

/// What feeds and watchers read, for all who look on.
#[async_trait]
pub(crate) trait Reads: Send + Sync + fmt::Debug {
    /// What changed in a chat; `None` when it is gone.
    async fn news(&self, chat: ChatId, seen: &SeenVersions) -> StoreResult<Option<ChatNews>>;
    /// Which of these people may read a chat, by one look at it.
    async fn readable_by(&self, chat: ChatId, people: &[&BoundStore]) -> StoreResult<Vec<bool>>;
    /// What is new in turns that run at other servers, by one statement.
    async fn follow(&self, turns: &[FollowedTurn]) -> StoreResult<Vec<FollowedNews>>;
    /// A chat with those whom its family is shared with; `None` when it is gone.
    async fn acl(&self, root: ChatId) -> StoreResult<Option<ChatAccess>>;
    /// Chats as they are, in the order in which they were asked for; `None` for those that are gone.
    async fn chats(&self, chats: &[ChatId]) -> StoreResult<Vec<Option<Chat>>>;
    /// What the clock says by which it is noted when chats are made.
    async fn clock(&self) -> StoreResult<DateTime<Utc>>;
}

/// Keeping order.
#[async_trait]
pub(crate) trait Keeping: Send + Sync + fmt::Debug {
    async fn archive_old(&self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64>;
    async fn purge(&self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64>;
    async fn prune_files(&self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64>;
    async fn prune_acl(&self, limit: u32) -> StoreResult<u64>;
    async fn prune_viewers(
        &self,
        after: Option<ViewerPlace>,
        limit: u32,
    ) -> StoreResult<(u64, Option<ViewerPlace>)>;
}
