//! Shows chats to those who look at them.
//!
//! A chat that somebody looks at has one feed at this server, a task: it reads the chat when it hears that something
//! happened there, and every few seconds; makes frames of what changed, once for the owner and once for all readers; and
//! sends them to all who look. What a model says in a turn that runs here it has from the engine, without a read; the
//! turns that run at other servers are followed all together, by one look for however many chats.
//!
//! Who looks was let in by their own rights. The feed judges all of them by one look at the chat's ACL when it hears that
//! this changed, when their rights may have changed, and every few seconds, and turns those away who may not look any
//! more. The others see nothing of it.

mod follow;
mod image;
mod lane;
mod snapshot;
mod task;
#[cfg(test)]
pub(crate) mod tests;
mod viewer;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use dbauthz::BoundStore;
use model::{
    ChatId, UserId,
    chats::{ChatPart, MessageId, TurnKey},
};
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::viewer::ChatStream;
pub(crate) use self::viewer::Opening;
use self::{follow::Following, lane::Sent};
use crate::{ChatConfig, Closed, Frame, engine::LiveTurns, ports::Reads, seats::Seat};

/// How many viewers may wait at a feed's door.
const DOOR: usize = 64;

/// Somebody who comes to look at a chat, or comes again.
#[derive(Debug)]
pub(crate) struct Join {
    /// Who, with the rights that let them in.
    pub(crate) store: BoundStore,
    /// Where they sit.
    pub(crate) seat: Weak<Seat>,
    /// The messages up to this one are known.
    pub(crate) after: Option<MessageId>,
    /// Whether what was told before is to be forgotten.
    pub(crate) anew: bool,
}

/// What somebody gets who has come.
#[derive(Debug)]
pub(crate) struct Joined {
    /// Their place.
    pub(crate) place: u64,
    /// What there is, to be told first.
    pub(crate) frames: Vec<Frame>,
    /// What happens from then on.
    live: broadcast::Receiver<Arc<Sent>>,
    /// Why they may look no longer.
    pub(crate) closed: watch::Receiver<Option<Closed>>,
    /// The last answer that there is.
    pub(crate) last_answer: Option<MessageId>,
}

/// What a viewer tells the feed.
#[derive(Debug)]
enum Command {
    Join(Box<Join>, oneshot::Sender<Result<Joined, Turned>>),
    /// The viewer's rights are others now.
    Renew(u64, Box<BoundStore>),
    Leave(u64),
}

/// Why somebody who comes is not let in.
#[derive(Debug)]
enum Turned {
    /// They may not look.
    Away(Closed),
    /// The feed has just ended, and there is another.
    Back(Box<Join>),
}

/// What a feed is to look at.
#[derive(Debug, Default)]
struct Due {
    /// The chat: something happened there.
    chat: bool,
    /// What the model says in a turn that runs here.
    parts: bool,
    /// What the model says in a turn that runs elsewhere.
    noted: Option<Noted>,
    /// Everybody's rights.
    rights: bool,
    /// The same, if the chat is of the family of one of these.
    roots: Vec<ChatId>,
}

/// What was said in a turn that runs elsewhere.
#[derive(Debug)]
struct Noted {
    turn: TurnKey,
    parts: Vec<ChatPart>,
}

/// The way to a feed.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    id: u64,
    commands: mpsc::Sender<Command>,
    wake: Arc<Wake>,
}

impl Handle {
    /// A viewer's rights are others now.
    pub(crate) async fn renew(&self, place: u64, store: BoundStore) {
        // A feed that has ended has told everybody so.
        drop(
            self.commands
                .send(Command::Renew(place, Box::new(store)))
                .await,
        );
    }

    /// A viewer leaves.
    pub(crate) fn leave(&self, place: u64) {
        // Whose leaving is not heard is found gone by the feed itself.
        drop(self.commands.try_send(Command::Leave(place)));
    }
}

#[derive(Debug, Default)]
struct Wake {
    due: Mutex<Due>,
    woken: Notify,
}

impl Wake {
    fn wake(&self, change: impl FnOnce(&mut Due)) {
        change(&mut self.due());
        self.woken.notify_one();
    }

    fn take(&self) -> Due {
        std::mem::take(&mut *self.due())
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The feeds of this server. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Feeds(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    reads: Arc<dyn Reads>,
    live: LiveTurns,
    following: Following,
    config: ChatConfig,
    feeds: Mutex<Registry>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

#[derive(Debug, Default)]
struct Registry {
    feeds: HashMap<ChatId, Handle>,
    ids: u64,
}

impl Feeds {
    pub(crate) fn new(reads: Arc<dyn Reads>, config: ChatConfig) -> Self {
        Self(Arc::new(Shared {
            reads,
            live: LiveTurns::default(),
            following: Following::default(),
            config,
            feeds: Mutex::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }))
    }

    /// The turns that run at this server.
    pub(crate) fn live(&self) -> &LiveTurns {
        &self.0.live
    }

    /// Something happened in a chat.
    pub(crate) fn changed(&self, chat: ChatId) {
        self.wake(chat, |due| due.chat = true);
    }

    /// The model says something in a chat, in a turn that runs here.
    pub(crate) fn said(&self, chat: ChatId) {
        // Benches take the time from here.
        tracing::trace!(chat_id = %chat, "the model says on");
        self.wake(chat, |due| due.parts = true);
    }

    /// With whom the family of this root is shared changed.
    pub(crate) fn shared(&self, root: ChatId) {
        // Only the feeds know whose family they are of.
        for handle in self.all() {
            handle.wake.wake(|due| due.roots.push(root));
        }
    }

    /// Anything may have happened anywhere.
    pub(crate) fn everything(&self) {
        for handle in self.all() {
            handle.wake.wake(|due| {
                (due.chat, due.parts, due.rights) = (true, true, true);
            });
        }
    }

    /// Lets somebody look at a chat.
    ///
    /// # Errors
    /// Why they may not.
    pub(crate) async fn join(&self, chat: ChatId, join: Join) -> Result<(Handle, Joined), Closed> {
        let mut join = Some(Box::new(join));
        while let Some(asked) = join.take() {
            if self.0.stopping.is_cancelled() {
                return Err(Closed::Stopping);
            }
            let handle = self.feed(chat);
            let (answer, answered) = oneshot::channel();
            if let Err(unsent) = handle.commands.send(Command::Join(asked, answer)).await {
                // It has just ended: there is another now.
                if let Command::Join(asked, _) = unsent.0 {
                    join = Some(asked);
                }
                continue;
            }
            match answered.await {
                Ok(Ok(joined)) => return Ok((handle, joined)),
                Ok(Err(Turned::Away(why))) => return Err(why),
                Ok(Err(Turned::Back(asked))) => join = Some(asked),
                // It has failed, which was said.
                Err(_ended) => return Err(Closed::Behind),
            }
        }
        Err(Closed::Behind)
    }

    /// Turns everybody away, and lets nobody look any more.
    pub(crate) async fn shutdown(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// How many chats are looked at.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.registry().feeds.len()
    }

    /// Whether turns at other servers are followed.
    #[cfg(test)]
    pub(crate) fn follows(&self) -> bool {
        self.0.following.at_work()
    }

    /// The feed of a chat.
    fn feed(&self, chat: ChatId) -> Handle {
        let mut registry = self.registry();
        if let Some(handle) = registry.feeds.get(&chat)
            && !handle.commands.is_closed()
        {
            return handle.clone();
        }
        registry.ids = registry.ids.wrapping_add(1);
        let (commands, door) = mpsc::channel(DOOR);
        let handle = Handle {
            id: registry.ids,
            commands,
            wake: Arc::default(),
        };
        registry.feeds.insert(chat, handle.clone());
        let task = task::Feed::new(self.clone(), chat, handle.clone(), door);
        self.0.tasks.spawn(task.run());
        handle
    }

    /// A feed has ended.
    fn ended(&self, chat: ChatId, id: u64) {
        let mut registry = self.registry();
        if registry.feeds.get(&chat).is_some_and(|one| one.id == id) {
            registry.feeds.remove(&chat);
        }
    }

    fn wake(&self, chat: ChatId, change: impl FnOnce(&mut Due)) {
        let handle = self.registry().feeds.get(&chat).cloned();
        if let Some(handle) = handle {
            handle.wake.wake(change);
        }
    }

    fn all(&self) -> Vec<Handle> {
        self.registry().feeds.values().cloned().collect()
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this is the owner of a chat.
fn owns(store: &BoundStore, owner: UserId) -> bool {
    store.user_id() == owner
}
