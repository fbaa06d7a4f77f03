//! Somebody's stream of a chat.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use auth::{AccessGuard, AuthError, AuthState, Caller};
use model::{
    ChatId,
    chats::{MessageId, ViewerUpdate},
};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    time::{Instant, sleep_until},
};
use tokio_util::task::TaskTracker;

use super::{Feeds, Handle, Join, Joined, lane::Sent};
use crate::{Closed, Frame, seats::Seat, telemetry};

/// How soon somebody is judged again who could not be.
const AGAIN: Duration = Duration::from_secs(1);

/// What a stream is opened with.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) feeds: Feeds,
    pub(crate) auth: AuthState,
    pub(crate) marks: TaskTracker,
}

/// Somebody's stream of a chat: [`ChatStream::next`] gives one frame after the other, until it says why it ends.
///
/// How far the caller has read is noted when it begins and when it is dropped; only ever the caller's own.
#[derive(Debug)]
pub struct ChatStream {
    opening: Opening,
    chat: ChatId,
    caller: Caller,
    guard: AccessGuard,
    handle: Handle,
    place: u64,
    pending: VecDeque<Frame>,
    live: broadcast::Receiver<Arc<Sent>>,
    closed: watch::Receiver<Option<Closed>>,
    /// The caller is to be judged anew, at this moment.
    renew: Option<Instant>,
    /// Frames were missed.
    missed: bool,
    last_answer: Option<MessageId>,
    noted: Option<MessageId>,
    ended: Option<Closed>,
    seat: Arc<Seat>,
    _open: telemetry::Open,
}

/// What happened next.
enum Next {
    Closed(Option<Closed>),
    Access(Result<(), Closed>),
    Renew,
    Frame(Result<Arc<Sent>, RecvError>),
}

impl ChatStream {
    /// Opens a stream for somebody who may read the chat.
    pub(crate) async fn open(
        opening: Opening,
        caller: Caller,
        seat: Seat,
        chat: ChatId,
        after: Option<MessageId>,
    ) -> Result<Self, Closed> {
        // From the caller's authentication on, so that nothing is missed.
        let guard = opening.auth.access.watch(&caller);
        let seat = Arc::new(seat);
        let join = Join {
            store: caller.store.clone(),
            seat: Arc::downgrade(&seat),
            after,
            anew: false,
        };
        let (handle, joined) = opening.feeds.join(chat, join).await?;
        let mut stream = Self {
            opening,
            chat,
            caller,
            guard,
            handle,
            place: joined.place,
            pending: joined.frames.into(),
            live: joined.live,
            closed: joined.closed,
            renew: None,
            missed: false,
            last_answer: joined.last_answer,
            noted: None,
            ended: None,
            seat,
            _open: telemetry::Open::viewer(),
        };
        stream.note();
        Ok(stream)
    }

    /// The next frame. May be dropped and called again without losing one.
    ///
    /// # Errors
    /// Why the stream ends; it stays so.
    pub async fn next(&mut self) -> Result<Frame, Closed> {
        loop {
            self.standing()?;
            if self.renew.is_some_and(|at| at <= Instant::now()) {
                self.judge_anew().await?;
                continue;
            }
            if let Some(frame) = self.pending.pop_front() {
                self.last_answer = self.last_answer.max(frame.last_answer());
                return Ok(frame);
            }
            if self.missed {
                self.come_again().await?;
                continue;
            }
            match self.wait().await {
                Next::Closed(why) => return Err(self.end(why.unwrap_or(Closed::Behind))),
                Next::Access(Ok(())) => self.renew = Some(Instant::now()),
                Next::Access(Err(why)) => return Err(self.end(why)),
                Next::Renew => {}
                Next::Frame(Ok(sent)) => match sent.frame() {
                    Some(frame) => self.pending.push_back(frame),
                    None => self.missed = true,
                },
                Next::Frame(Err(RecvError::Lagged(_))) => self.missed = true,
                Next::Frame(Err(RecvError::Closed)) => {
                    let why = *self.closed.borrow();
                    return Err(self.end(why.unwrap_or(Closed::Behind)));
                }
            }
        }
    }

    /// What is known now, before anything else is told.
    fn standing(&mut self) -> Result<(), Closed> {
        if let Some(why) = self.ended {
            return Err(why);
        }
        let why = *self.closed.borrow();
        if let Some(why) = why {
            return Err(self.end(why));
        }
        if let Err(why) = self.guard.standing() {
            return Err(self.end(Closed::ended(why)));
        }
        Ok(())
    }

    async fn wait(&mut self) -> Next {
        let renew = self.renew;
        let again = async {
            match renew {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            closed = self.closed.wait_for(Option::is_some) => {
                Next::Closed(closed.ok().and_then(|why| *why))
            }
            changed = self.guard.changed() => {
                Next::Access(changed.map_err(Closed::ended))
            }
            () = again => Next::Renew,
            frame = self.live.recv() => Next::Frame(frame),
        }
    }

    /// The caller's rights are others now: the feed judges by these.
    async fn judge_anew(&mut self) -> Result<(), Closed> {
        match auth::caller_renew(&self.opening.auth, &self.caller).await {
            Ok(caller) => {
                let store = caller.store.clone();
                self.handle.renew(self.place, store).await;
                self.caller = caller;
                self.renew = None;
                Ok(())
            }
            // A database that cannot be asked revokes nothing.
            Err(AuthError::Store(_)) => {
                self.renew = Some(Instant::now() + AGAIN);
                Ok(())
            }
            Err(refused) => Err(self.end(Closed::refused(&refused))),
        }
    }

    /// Begins anew after frames were missed.
    async fn come_again(&mut self) -> Result<(), Closed> {
        let join = Join {
            store: self.caller.store.clone(),
            seat: Arc::downgrade(&self.seat),
            after: None,
            anew: true,
        };
        let joined = self.opening.feeds.join(self.chat, join).await;
        let (handle, joined) = joined.map_err(|why| self.end(why))?;
        let Joined {
            place,
            frames,
            live,
            closed,
            ..
        } = joined;
        self.handle.leave(self.place);
        (self.handle, self.place) = (handle, place);
        (self.live, self.closed) = (live, closed);
        self.pending = frames.into();
        self.missed = false;
        Ok(())
    }

    fn end(&mut self, why: Closed) -> Closed {
        if self.ended.is_none() {
            telemetry::closed(why);
            self.ended = Some(why);
        }
        why
    }

    /// Notes how far the caller has read.
    fn note(&mut self) {
        let Some(last) = self.last_answer.filter(|last| self.noted < Some(*last)) else {
            return;
        };
        self.noted = Some(last);
        let (store, chat) = (self.caller.store.clone(), self.chat);
        let update = ViewerUpdate {
            last_read: Some(last),
            ..ViewerUpdate::default()
        };
        let noting = async move {
            let noted = async {
                let mut unit = store.begin().await?;
                unit.chats().chat_viewer_update(chat, &update).await?;
                Ok::<_, dbauthz::ChatCallError>(unit.commit().await?)
            };
            if let Err(error) = noted.await {
                tracing::debug!(
                    error = telemetry::cause(&error),
                    "it is not noted how far a chat was read"
                );
            }
        };
        // Without a runtime there is nothing left to note it in.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(self.opening.marks.spawn_on(noting, &runtime));
        }
    }
}

impl Drop for ChatStream {
    fn drop(&mut self) {
        self.handle.leave(self.place);
        // Whoever was turned away reads nothing here any more.
        if matches!(self.ended, None | Some(Closed::Stopping | Closed::Behind)) {
            self.note();
        }
    }
}
