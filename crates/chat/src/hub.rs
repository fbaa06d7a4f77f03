//! What the rest of the house has of this crate.

use std::{sync::Arc, time::Duration};

use auth::{AuthState, Caller};
use dbauthz::WriteUnit;
use gateway::Gateway;
use model::{ChatId, Clock, IdSource, chats::MessageId};
use store::{StoreError, StoreResult};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ChatConfig, ChatStream, ChatWatch, Closed, TurnLease,
    engine::{Begun, Engine},
    feed::{Feeds, Opening},
    house::{GatewayModels, StoreKeeping, StoreReads, StoreTurns},
    jobs,
    ports::{Keeping, Reads},
    seats::{Seat, Seats},
    telemetry,
    watch::Notices,
};

/// What chats are built from.
#[derive(Debug)]
pub struct ChatDeps {
    /// Who looks on, and the authorized store.
    pub auth: AuthState,
    /// Through which models are asked. It must be started before the first turn, and stopped after [`ChatHub::shutdown`].
    pub gateway: Gateway,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// The settings.
    pub config: ChatConfig,
}

/// Another server, or this one, says that something happened. Only a hint: one that is lost costs a few seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatHint {
    /// A chat, or what is said in it, changed.
    State(ChatId),
    /// With whom the family of this root is shared changed.
    Acl(ChatId),
    /// A chat was removed.
    Gone(ChatId),
    /// Anything may have happened, as after hints may have been lost.
    Everything,
}

/// Chats at work: turns, and everybody who looks on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ChatHub(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    engine: Engine,
    feeds: Feeds,
    notices: Notices,
    auth: AuthState,
    keeping: Arc<dyn Keeping>,
    clock: Arc<dyn Clock>,
    config: ChatConfig,
    streams: Seats,
    watches: Seats,
    /// Background work, and commits that nobody waits for any more.
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl ChatHub {
    /// Builds it; it works after [`ChatHub::start`].
    #[must_use]
    pub fn new(deps: ChatDeps) -> Self {
        telemetry::describe();
        let ChatDeps {
            auth,
            gateway,
            clock,
            ids,
            config,
        } = deps;
        let authorized = &auth.authorized;
        let reads: Arc<dyn Reads> = Arc::new(StoreReads::new(authorized));
        let turns = Arc::new(StoreTurns::new(authorized));
        let keeping = Arc::new(StoreKeeping::new(authorized));
        let models = Arc::new(GatewayModels::new(auth.clone(), gateway));
        let feeds = Feeds::new(Arc::clone(&reads), config.clone());
        let engine = Engine::new(turns, models, ids, feeds.clone(), config.clone());
        let notices = Notices::new(reads, config.clone());
        Self(Arc::new(Parts {
            engine,
            feeds,
            notices,
            auth,
            keeping,
            clock,
            config,
            streams: Seats::default(),
            watches: Seats::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }))
    }

    /// Begins the background work: looking after turns, telling those who watch, and keeping order. To be called once,
    /// inside a Tokio runtime.
    pub fn start(&self) {
        let parts = &self.0;
        let stopping = || parts.stopping.clone();
        let engine = parts.engine.clone();
        let looking = stopping();
        parts.tasks.spawn(async move { engine.look(looking).await });
        parts.tasks.spawn(parts.notices.clone().run(stopping()));
        parts.tasks.spawn(jobs::run(
            Arc::clone(&parts.keeping),
            Arc::clone(&parts.clock),
            parts.config.clone(),
            stopping(),
        ));
    }

    /// Takes a hint.
    pub fn hint(&self, hint: ChatHint) {
        let Parts {
            engine,
            feeds,
            notices,
            ..
        } = &*self.0;
        match hint {
            ChatHint::State(chat) => {
                engine.heard(chat);
                feeds.changed(chat);
                notices.changed(chat);
            }
            ChatHint::Gone(chat) => {
                engine.heard(chat);
                feeds.changed(chat);
                notices.changed(chat);
            }
            ChatHint::Acl(root) => {
                feeds.shared(root);
                notices.shared(root);
            }
            ChatHint::Everything => {
                engine.heard_of_everything();
                feeds.everything();
                notices.everything();
            }
        }
    }

    /// This server's lease, under which a turn that is to begin here is written. It is to be held until
    /// [`ChatHub::commit`] or [`ChatHub::turn`] has it.
    ///
    /// # Errors
    /// What the store says when the lease must be renewed first.
    pub async fn lease(&self) -> StoreResult<TurnLease> {
        self.0.engine.lease().await
    }

    /// Commits a unit of work in which a turn of this chat may have begun under this lease, and runs it. It goes on by
    /// itself when nobody waits for it any more, so no turn begins that nobody runs.
    ///
    /// # Errors
    /// As [`WriteUnit::commit`].
    pub async fn commit(&self, unit: WriteUnit, chat: ChatId, lease: TurnLease) -> StoreResult<()> {
        let hub = self.clone();
        let committing = self.0.tasks.spawn(async move {
            let committed = unit.commit().await;
            match &committed {
                Ok(()) => hub.0.engine.begin(chat, lease, Begun::Surely),
                Err(StoreError::Unavailable(_)) => hub.0.engine.begin(chat, lease, Begun::Perhaps),
                Err(_) => {}
            }
            committed
        });
        let failed = |error| Err(StoreError::Internal(Box::new(error)));
        committing.await.unwrap_or_else(failed)
    }

    /// Runs the turn that was begun in a chat under this lease and is committed. Nothing happens when there is none.
    pub fn turn(&self, chat: ChatId, lease: TurnLease) {
        self.0.engine.begin(chat, lease, Begun::Surely);
    }

    /// Opens a stream of a chat: what was said after the message `after`, and what happens from now on.
    ///
    /// # Errors
    /// [`StreamError::Store`] with `NotFound` or `Denied` for who may not read the chat; [`StreamError::TooMany`] for who
    /// has as many open as one person may, or so many that there is no room for one of a large chat;
    /// [`StreamError::Closed`] when it ends before it has begun.
    pub async fn stream(
        &self,
        caller: Caller,
        chat: ChatId,
        after: Option<MessageId>,
    ) -> Result<ChatStream, StreamError> {
        let mut unit = caller.store.read().await?;
        let size = unit.chat_messages().chat_size_get(chat).await?;
        drop(unit);
        let most = self.0.config.streams_per_person;
        let bytes = usize::try_from(size.bytes).unwrap_or(usize::MAX);
        let seat = seat(&self.0.streams, &caller, bytes, most)?;
        let opening = Opening {
            feeds: self.0.feeds.clone(),
            auth: self.0.auth.clone(),
            marks: self.0.tasks.clone(),
        };
        Ok(ChatStream::open(opening, caller, seat, chat, after).await?)
    }

    /// Opens a stream about the caller's chats and those that are shared with the caller, from now on.
    ///
    /// # Errors
    /// [`StreamError::TooMany`] for who has as many open as one person may; [`StreamError::Store`] with what the store
    /// says.
    pub async fn watch(&self, caller: Caller) -> Result<ChatWatch, StreamError> {
        let most = self.0.config.watches_per_person;
        let seat = seat(&self.0.watches, &caller, 0, most)?;
        Ok(ChatWatch::open(&self.0.notices, &self.0.auth, caller, seat).await?)
    }

    /// Ends everything within this time: streams at once; turns may go on for most of it, then what was said is kept
    /// and the chat shows that the server was stopped. No request may begin a turn any more. The gateway is stopped after it.
    pub async fn shutdown(&self, grace: Duration) {
        let parts = &self.0;
        parts.stopping.cancel();
        parts.tasks.close();
        let streams = parts.feeds.shutdown();
        tokio::join!(parts.engine.shutdown(grace), streams);
        if tokio::time::timeout(LAST_MARKS, parts.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(open = parts.tasks.len(), "work about chats is left");
        }
    }
}

/// A seat of the caller's, who may have so many, of a chat in which so many bytes are said.
fn seat(seats: &Seats, caller: &Caller, bytes: usize, most: usize) -> Result<Seat, StreamError> {
    let seat = seats.take(caller.user_id, bytes, most);
    seat.ok_or(StreamError::TooMany(most))
}

/// How long what is noted at the end may take.
const LAST_MARKS: Duration = Duration::from_secs(2);

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The store says no.
    #[error("the chat cannot be read")]
    Store(#[from] StoreError),
    /// The caller has as many open at this server as one person may, each weighed by the size of its chat.
    #[error("the caller has {0} streams open")]
    TooMany(usize),
    /// It ends before it has begun.
    #[error("the stream has ended")]
    Closed(Closed),
}

impl From<Closed> for StreamError {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}
