//! Tells people what happens to their chats, and to those that others share with them.
//!
//! One task reads each chat that something happened to, once for all who watch at this server, finds out what it was, and
//! passes it on. Whom it concerns reads the chat again as they see it, which asks once more whether they may; so it is with
//! an ACL that changed, which concerns the owner, those who had the chat, and those who are in it now. What is
//! shared with somebody is compared with what was shared before: when a hint says that it may be something else, when
//! their rights have changed, and every half a minute.

mod known;
#[cfg(test)]
mod tests;
mod watcher;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use model::{ChatId, UserId, chats::ChatAccess};
use moka::sync::Cache;
use store::StoreResult;
use tokio::{
    sync::{Notify, broadcast},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::known::Known;
pub use self::watcher::ChatWatch;
use crate::{ChatConfig, WatchKind, ports::Reads, telemetry};

/// How many notices a watcher may be behind; whoever is further has to begin anew.
const BEHIND: usize = 1_024;
/// Of how many chats it is kept what was known of them.
const KNOWN: u64 = 50_000;
/// How many chats are read together.
const TOGETHER: usize = 100;
/// How long hints are gathered: what happens together is read together.
const GATHER: Duration = Duration::from_millis(50);
/// How soon it is read again what could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// Something that may concern somebody who watches.
#[derive(Debug, Clone)]
enum Notice {
    /// Something happened to a chat.
    Changed {
        chat: ChatId,
        owner: UserId,
        root: ChatId,
        kinds: Vec<WatchKind>,
    },
    /// A chat is gone.
    Gone {
        chat: ChatId,
        /// What was last known of it.
        known: Option<Known>,
    },
    /// With whom the family of a root is shared changed: the root with its ACL of now, which is absent when it is gone.
    Shared(ChatId, Option<Arc<ChatAccess>>),
    /// Anything may be shared otherwise.
    Everything,
}

/// What was heard and is not read yet.
#[derive(Debug, Default)]
struct Heard {
    chats: BTreeSet<ChatId>,
    roots: BTreeSet<ChatId>,
    everything: bool,
}

/// What there is to watch at this server. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Notices(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    reads: Arc<dyn Reads>,
    config: ChatConfig,
    heard: Mutex<Heard>,
    woken: Notify,
    known: Cache<ChatId, Known>,
    notices: broadcast::Sender<Notice>,
    watchers: AtomicUsize,
    /// Since when somebody has watched, and everything was heard: by the clock that notes when chats are made, which is not
    /// this server's.
    since: Mutex<Option<DateTime<Utc>>>,
    stopping: CancellationToken,
}

impl Notices {
    pub(crate) fn new(reads: Arc<dyn Reads>, config: ChatConfig) -> Self {
        Self(Arc::new(Shared {
            reads,
            config,
            heard: Mutex::default(),
            woken: Notify::new(),
            known: Cache::new(KNOWN),
            notices: broadcast::Sender::new(BEHIND),
            watchers: AtomicUsize::new(0),
            since: Mutex::default(),
            stopping: CancellationToken::new(),
        }))
    }

    /// Something happened to a chat.
    pub(crate) fn changed(&self, chat: ChatId) {
        self.hear(|heard| heard.chats.extend([chat]));
    }

    /// With whom the family of a root is shared changed.
    pub(crate) fn shared(&self, root: ChatId) {
        self.hear(|heard| heard.roots.extend([root]));
    }

    /// Anything may have happened.
    pub(crate) fn everything(&self) {
        self.hear(|heard| heard.everything = true);
    }

    /// Reads and passes on until the token is cancelled.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        let reading = async {
            loop {
                let woken = timeout(self.0.config.shares_every, self.0.woken.notified()).await;
                if woken.is_err() {
                    self.follow_active();
                }
                sleep(GATHER).await;
                if let Err(error) = self.read().await {
                    tracing::warn!(
                        error = telemetry::cause(&error),
                        "chats cannot be read for those who watch"
                    );
                    sleep(AGAIN).await;
                    self.0.woken.notify_one();
                }
            }
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            () = reading => {}
        }
        self.0.stopping.cancel();
    }

    /// Whether anybody watches.
    fn watched(&self) -> bool {
        self.0.watchers.load(Ordering::Acquire) > 0
    }

    fn hear(&self, change: impl FnOnce(&mut Heard)) {
        // Nobody watches: nobody needs to know, and nothing that was known before counts.
        if !self.watched() {
            self.0.known.invalidate_all();
            return;
        }
        change(&mut self.heard());
        self.0.woken.notify_one();
    }

    /// Chats in which a turn ran when they were last looked at are looked at again: its end may not have been heard.
    fn follow_active(&self) {
        let known = self.0.known.iter();
        let active = known.filter(|(_, known)| known.status.active());
        let active: Vec<ChatId> = active.map(|(chat, _)| *chat).collect();
        self.heard().chats.extend(active);
    }

    /// Reads what was heard of. What cannot be read stays heard.
    async fn read(&self) -> StoreResult<()> {
        let Heard {
            chats,
            roots,
            everything,
        } = std::mem::take(&mut *self.heard());
        if everything {
            self.follow_active();
            self.pass(Notice::Everything);
        }
        // What cannot be read stays heard.
        let mut roots = roots.into_iter();
        while let Some(root) = roots.next() {
            match self.0.reads.acl(root).await {
                Ok(with) => self.pass(Notice::Shared(root, with.map(Arc::new))),
                Err(error) => {
                    let mut heard = self.heard();
                    heard.roots.extend(roots.chain([root]));
                    heard.chats.extend(chats);
                    return Err(error);
                }
            }
        }
        let mut chats: Vec<ChatId> = chats.into_iter().collect();
        while !chats.is_empty() {
            let rest = chats.split_off(chats.len().min(TOGETHER));
            match self.0.reads.chats(&chats).await {
                Ok(found) => {
                    for (chat, found) in chats.into_iter().zip(found) {
                        self.tell(chat, found);
                    }
                }
                Err(error) => {
                    let mut heard = self.heard();
                    heard.chats.extend(chats);
                    heard.chats.extend(rest);
                    return Err(error);
                }
            }
            chats = rest;
        }
        Ok(())
    }

    fn tell(&self, chat: ChatId, found: Option<model::chats::Chat>) {
        let before = self.0.known.get(&chat);
        let Some(found) = found else {
            self.0.known.invalidate(&chat);
            let known = before;
            return self.pass(Notice::Gone { chat, known });
        };
        let since = *self.since();
        let kinds = Known::changes(before.as_ref(), &found, since);
        let known = Known::of(&found);
        if before.as_ref() != Some(&known) {
            self.0.known.insert(chat, known);
        }
        if !kinds.is_empty() {
            self.pass(Notice::Changed {
                chat,
                owner: found.owner_id,
                root: found.root_chat_id,
                kinds,
            });
        }
    }

    fn pass(&self, notice: Notice) {
        // Nobody watches any more: nobody is told.
        drop(self.0.notices.send(notice));
    }

    /// Finds out what time it is, where nobody has since when somebody watches.
    async fn listen(&self) -> StoreResult<()> {
        if self.since().is_none() {
            let now = self.0.reads.clock().await?;
            let mut since = self.since();
            *since = Some(since.map_or(now, |since| since.min(now)));
        }
        Ok(())
    }

    fn since(&self) -> MutexGuard<'_, Option<DateTime<Utc>>> {
        self.0.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody watches, for as long as this lives.
#[derive(Debug)]
struct Watching(Notices);

impl Watching {
    fn new(notices: &Notices) -> Self {
        let mut since = notices.since();
        if notices.0.watchers.fetch_add(1, Ordering::AcqRel) == 0 {
            *since = None;
        }
        drop(since);
        Self(notices.clone())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.0.watchers.fetch_sub(1, Ordering::AcqRel);
    }
}
