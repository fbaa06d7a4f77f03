//! Somebody's stream about their chats.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use auth::{AccessGuard, AuthError, AuthState, Caller};
use model::{
    ChatId,
    chats::{Chat, ChatAccess},
};
use store::{StoreError, StoreResult};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, sleep_until},
};

use super::{Notice, Notices, Watching, known::Known};
use crate::{Closed, WatchEvent, WatchKind, seats::Seat, telemetry};

/// How soon something is read again that could not be.
const AGAIN: Duration = Duration::from_secs(1);

/// Somebody's stream about their chats and those that are shared with them: [`ChatWatch::next`] gives one event after
/// the other, until it says why it ends.
#[derive(Debug)]
pub struct ChatWatch {
    notices: broadcast::Receiver<Notice>,
    watching: Watching,
    auth: AuthState,
    caller: Caller,
    guard: AccessGuard,
    /// The roots that others share with the caller.
    shared: BTreeSet<ChatId>,
    /// What is to be done, in its order.
    todo: VecDeque<Notice>,
    pending: VecDeque<WatchEvent>,
    /// When it is looked again what is shared.
    look: Instant,
    /// The caller's rights may be others now.
    renew: bool,
    ended: Option<Closed>,
    _seat: Seat,
    _open: telemetry::Open,
}

/// What happened next.
enum Next {
    Stopping,
    Access(Result<(), Closed>),
    Look,
    Notice(Result<Notice, RecvError>),
}

impl ChatWatch {
    /// Watches from now on.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn open(
        notices: &Notices,
        auth: &AuthState,
        caller: Caller,
        seat: Seat,
    ) -> StoreResult<Self> {
        // Before it is looked what is shared, so that nothing between is missed.
        let watching = Watching::new(notices);
        let heard = notices.0.notices.subscribe();
        let guard = auth.access.watch(&caller);
        notices.listen().await?;
        let shared = shared(&caller).await?;
        Ok(Self {
            notices: heard,
            look: Instant::now() + notices.0.config.shares_every,
            watching,
            auth: auth.clone(),
            caller,
            guard,
            shared,
            todo: VecDeque::new(),
            pending: VecDeque::new(),
            renew: false,
            ended: None,
            _seat: seat,
            _open: telemetry::Open::watcher(),
        })
    }

    /// The next event. May be dropped and called again without losing one.
    ///
    /// # Errors
    /// Why the stream ends; it stays so.
    pub async fn next(&mut self) -> Result<WatchEvent, Closed> {
        loop {
            self.standing()?;
            if self.renew {
                self.renewed().await?;
            }
            if let Some(event) = self.pending.pop_front() {
                return Ok(event);
            }
            if let Some(notice) = self.todo.front().cloned() {
                match self.work(&notice).await {
                    Ok(events) => {
                        self.todo.pop_front();
                        self.pending.extend(events);
                    }
                    Err(_away) => tokio::time::sleep(AGAIN).await,
                }
                continue;
            }
            match self.wait().await {
                Next::Stopping => return Err(self.end(Closed::Stopping)),
                Next::Access(Err(why)) => return Err(self.end(why)),
                Next::Access(Ok(())) => self.renew = true,
                Next::Look => {
                    self.look = Instant::now() + self.watching.0.0.config.shares_every;
                    self.todo.push_back(Notice::Everything);
                }
                Next::Notice(Ok(notice)) => self.todo.push_back(notice),
                Next::Notice(Err(RecvError::Lagged(_) | RecvError::Closed)) => {
                    return Err(self.end(Closed::Behind));
                }
            }
        }
    }

    fn standing(&mut self) -> Result<(), Closed> {
        if let Some(why) = self.ended {
            return Err(why);
        }
        if let Err(why) = self.guard.standing() {
            return Err(self.end(Closed::ended(why)));
        }
        Ok(())
    }

    async fn wait(&mut self) -> Next {
        let stopping = self.watching.0.0.stopping.clone();
        tokio::select! {
            biased;
            () = stopping.cancelled() => Next::Stopping,
            changed = self.guard.changed() => {
                Next::Access(changed.map_err(Closed::ended))
            }
            notice = self.notices.recv() => Next::Notice(notice),
            () = sleep_until(self.look) => Next::Look,
        }
    }

    /// The caller with the rights of now, by which it is looked again what is shared.
    async fn renewed(&mut self) -> Result<(), Closed> {
        match auth::caller_renew(&self.auth, &self.caller).await {
            Ok(caller) => {
                self.caller = caller;
                self.renew = false;
                self.todo.push_back(Notice::Everything);
            }
            // A database that cannot be asked revokes nothing.
            Err(AuthError::Store(_)) => tokio::time::sleep(AGAIN).await,
            Err(refused) => return Err(self.end(Closed::refused(&refused))),
        }
        Ok(())
    }

    /// What is to be told of a notice. It changes nothing when it fails.
    async fn work(&mut self, notice: &Notice) -> StoreResult<Vec<WatchEvent>> {
        match notice {
            Notice::Changed {
                chat,
                owner,
                root,
                kinds,
            } => {
                if *owner != self.caller.user_id && !self.shared.contains(root) {
                    return Ok(Vec::new());
                }
                self.changed(*chat, kinds).await
            }
            Notice::Gone { chat, known } => {
                Ok(self.gone(*chat, known.as_ref()).into_iter().collect())
            }
            Notice::Shared(root, with) => {
                if self.concerned(*root, with.as_deref()) {
                    self.reshared(*root).await
                } else {
                    Ok(Vec::new())
                }
            }
            Notice::Everything => self.compare().await,
        }
    }

    async fn changed(&self, id: ChatId, kinds: &[WatchKind]) -> StoreResult<Vec<WatchEvent>> {
        // Whoever may not read it any more is told so when it is compared what is shared.
        let Some(chat) = self.read(id).await? else {
            return Ok(Vec::new());
        };
        let event = |kind: &WatchKind| WatchEvent {
            kind: *kind,
            chat_id: id,
            chat: Some(chat.clone()),
        };
        Ok(kinds.iter().map(event).collect())
    }

    /// What is told of a chat that is gone: to whom it was told of before. Which chats a key lets its holder read is asked
    /// once more, since the chat itself cannot be.
    pub(super) fn gone(&mut self, chat: ChatId, known: Option<&Known>) -> Option<WatchEvent> {
        let root = known.map_or(chat, |known| known.root);
        let shared = self.shared.contains(&root);
        if chat == root {
            self.shared.remove(&root);
        }
        let caller = &self.caller;
        let concerns = known.map_or(shared, |known| {
            let store = &caller.store;
            (shared || known.owner == caller.user_id)
                && store.could_read_chat(chat, known.owner, known.organization)
        });
        concerns.then_some(WatchEvent {
            kind: WatchKind::Deleted,
            chat_id: chat,
            chat: None,
        })
    }

    /// Whether it may be the caller with whom this root is shared now, or is shared no more. Whose groups have changed
    /// meanwhile compares all that is shared.
    fn concerned(&self, root: ChatId, with: Option<&ChatAccess>) -> bool {
        if self.shared.contains(&root) {
            return true;
        }
        let Some(with) = with else { return false };
        let caller = self.caller.user_id;
        if with.chat.owner_id == caller || with.acl.users().contains_key(&caller) {
            return true;
        }
        let subject = self.caller.store.subject();
        let mut groups = with.acl.groups().keys();
        groups.any(|group| subject.groups().contains(&group.0) || subject.is_member(group.0))
    }

    /// With whom a family is shared changed: with the caller perhaps.
    async fn reshared(&mut self, root: ChatId) -> StoreResult<Vec<WatchEvent>> {
        match self.read(root).await? {
            Some(chat) if chat.owner_id == self.caller.user_id => Ok(vec![WatchEvent {
                kind: WatchKind::AclChange,
                chat_id: root,
                chat: Some(chat),
            }]),
            // Whoever may read it anyway may find it shared with them, or not any more.
            Some(_) => self.compare().await,
            None if self.shared.remove(&root) => Ok(vec![revoked(root)]),
            None => Ok(Vec::new()),
        }
    }

    /// Compares what is shared with the caller with what was.
    async fn compare(&mut self) -> StoreResult<Vec<WatchEvent>> {
        let now = shared(&self.caller).await?;
        let mut events: Vec<WatchEvent> =
            self.shared.difference(&now).copied().map(revoked).collect();
        for root in now.difference(&self.shared) {
            // Whoever cannot read it after all is told nothing.
            events.extend(self.read(*root).await?.map(|chat| WatchEvent {
                kind: WatchKind::Granted,
                chat_id: *root,
                chat: Some(chat),
            }));
        }
        self.shared = now;
        Ok(events)
    }

    /// A chat as the caller sees it, if the caller may.
    async fn read(&self, id: ChatId) -> StoreResult<Option<Chat>> {
        let mut unit = self.caller.store.read().await?;
        match unit.chats().chat_get(id).await {
            Ok(chat) => Ok(Some(chat)),
            Err(StoreError::NotFound | StoreError::Denied { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn end(&mut self, why: Closed) -> Closed {
        if self.ended.is_none() {
            telemetry::closed(why);
            self.ended = Some(why);
        }
        why
    }
}

const fn revoked(root: ChatId) -> WatchEvent {
    WatchEvent {
        kind: WatchKind::Revoked,
        chat_id: root,
        chat: None,
    }
}

/// The roots that others share with somebody.
async fn shared(caller: &Caller) -> StoreResult<BTreeSet<ChatId>> {
    let mut unit = caller.store.read().await?;
    let roots = unit.chats().chat_shared_list().await?;
    Ok(roots.into_iter().collect())
}
