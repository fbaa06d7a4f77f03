//! Runs turns: a task for each chat that has one here, which goes on with what waits there until nothing does.
//!
//! A turn ends exactly once: the store refuses a second end, and the end of a turn that another has taken the place of.
//! Until the store has taken it, it is tried again; if this server dies first, another ends the turn with what was noted.

mod body;
mod errors;
mod listen;
mod live;
mod slots;
mod speech;
#[cfg(test)]
mod tests;
mod turn;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use model::{
    ChatId, IdSource, LeaseId,
    chats::{ChatTurn, TurnEnd, TurnKey},
};
use store::{StoreError, StoreResult, chat_turns::TurnStanding};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

pub(crate) use self::live::{LiveTurn, LiveTurns};
use self::{slots::Slots, turn::Outcome};
use crate::{
    ChatConfig, TurnLease,
    feed::Feeds,
    ports::{Models, Turns},
    telemetry,
};

/// How soon something is tried again that the store did not take, doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often a turn is looked for whose beginning may have been committed or not.
const UNSURE_LOOKS: u32 = 8;
/// How often the end of a turn is tried that the store finds a fault with, until what was said is left out. It is never
/// given up: the chat would run for ever. As often a turn is read that the store finds a fault with, until it is ended.
const FAULTS: u32 = 3;
/// How many turns of servers that have gone are looked at together.
const SWEEP: u32 = 100;
/// What of the time to stop is kept for ending what did not end by itself.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The engine's parts.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) turns: Arc<dyn Turns>,
    pub(crate) models: Arc<dyn Models>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) feeds: Feeds,
    pub(crate) live: LiveTurns,
    pub(crate) config: ChatConfig,
    slots: Slots,
    /// Ends the turns that run: the server's time is up.
    pub(crate) stop: CancellationToken,
    tasks: TaskTracker,
    standing: Notify,
}

/// Runs turns. Clones are the same engine.
#[derive(Debug, Clone)]
pub(crate) struct Engine(Arc<Inner>);

/// What is known of a turn that is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It was committed.
    Surely,
    /// Whether it was committed is not known.
    Perhaps,
}

/// A turn that cannot be read, although the store is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unreadable(TurnKey);

impl Engine {
    pub(crate) fn new(
        turns: Arc<dyn Turns>,
        models: Arc<dyn Models>,
        ids: Arc<dyn IdSource>,
        feeds: Feeds,
        config: ChatConfig,
    ) -> Self {
        Self(Arc::new(Inner {
            turns,
            models,
            ids,
            live: feeds.live().clone(),
            feeds,
            slots: Slots::new(config.turns_per_owner),
            config,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            standing: Notify::new(),
        }))
    }

    #[cfg(test)]
    fn slots(&self) -> Slots {
        self.0.slots.clone()
    }

    pub(crate) async fn lease(&self) -> StoreResult<TurnLease> {
        self.0.models.lease().await
    }

    /// Runs the turn of a chat that was begun under a lease, and those that follow it.
    pub(crate) fn begin(&self, chat: ChatId, lease: TurnLease, begun: Begun) {
        let inner = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            inner.drive(chat, lease, begun).await;
        });
    }

    /// Something happened in a chat, perhaps to its turn.
    pub(crate) fn heard(&self, chat: ChatId) {
        if self.0.live.get(chat).is_some() {
            self.0.ask_standing();
        }
    }

    /// Anything may have happened.
    pub(crate) fn heard_of_everything(&self) {
        self.0.ask_standing();
    }

    /// Looks at how the turns here stand and for turns of servers that have gone, until the token is cancelled.
    pub(crate) async fn look(&self, stopping: CancellationToken) {
        let standing = async {
            loop {
                // What is asked for meanwhile is asked together.
                drop(timeout(self.0.config.standing_every, self.0.standing.notified()).await);
                guarded(self.0.look_at_standing()).await;
            }
        };
        let sweep = async {
            loop {
                sleep(self.0.config.sweep_every).await;
                guarded(self.0.sweep()).await;
            }
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            () = standing => {}
            () = sweep => {}
        }
    }

    /// Ends every turn that runs here within this time: most of it they may go on, then what was said is kept and the
    /// chat shows that the server was stopped. No turn may begin any more.
    pub(crate) async fn shutdown(&self, grace: Duration) {
        let inner = &self.0;
        inner.tasks.close();
        let last = LAST_WORDS.min(grace / 2);
        let going_on = grace.saturating_sub(last);
        if timeout(going_on, inner.tasks.wait()).await.is_ok() {
            return;
        }
        inner.stop.cancel();
        if timeout(last, inner.tasks.wait()).await.is_err() {
            tracing::error!(
                open = inner.tasks.len(),
                "turns are left for other servers to end"
            );
        }
    }
}

impl Inner {
    async fn drive(self: &Arc<Self>, chat: ChatId, lease: TurnLease, begun: Begun) {
        let mut begun = Some(begun);
        while let Some(known) = begun {
            let (key, turn) = match self.get(chat, lease.id(), known).await {
                Ok(Some(turn)) => (turn.key, Some(turn)),
                Ok(None) => return,
                Err(Unreadable(key)) => (key, None),
            };
            let live = LiveTurn::new(key, lease.id());
            let Some(_claim) = self.live.claim(&live) else {
                return; // Somebody else runs it.
            };
            let span =
                tracing::info_span!("chat_turn", chat_id = %chat, user_id = tracing::field::Empty);
            if let Some(turn) = &turn {
                span.record("user_id", tracing::field::display(turn.owner_id));
            }
            begun = self.run(turn, &live).instrument(span).await;
        }
    }

    /// Runs one turn to its end, which comes at once to one that cannot be read; whether another follows.
    async fn run(self: &Arc<Self>, turn: Option<ChatTurn>, live: &Arc<LiveTurn>) -> Option<Begun> {
        let _open = telemetry::Open::turn();
        let began = Instant::now();
        let outcome = match turn {
            Some(turn) => {
                let model = turn.model.clone();
                let running = AssertUnwindSafe(Box::pin(turn::run(self, turn, live)));
                // A turn never stays because of a mistake of ours.
                let outcome = running.catch_unwind().await;
                outcome.unwrap_or_else(|_panic| turn::failed(model, live))
            }
            None => turn::failed(None, live),
        };
        let (next, word) = match outcome {
            Outcome::End(end, word) => (self.finish(live, *end).await, word),
            Outcome::Over => (None, "over"),
        };
        telemetry::turn(word, began.elapsed());
        tracing::debug!(outcome = word, "a turn ended");
        self.feeds.changed(live.key.chat_id);
        next
    }

    /// The turn that runs here in a chat. The error is that the store finds a fault with it, again and again.
    async fn get(
        &self,
        chat: ChatId,
        lease: LeaseId,
        begun: Begun,
    ) -> Result<Option<ChatTurn>, Unreadable> {
        let (mut pause, mut looks) = (FIRST_PAUSE, 0);
        let (mut faults, mut faulty) = (0_u32, None);
        loop {
            match self.turns.get(chat, lease).await {
                Ok(Some(turn)) => return Ok(Some(turn)),
                // A commit whose answer was lost may become visible only a little later.
                Ok(None) if begun == Begun::Perhaps && looks < UNSURE_LOOKS => looks += 1,
                Ok(None) => return Ok(None),
                Err(error) => {
                    tracing::warn!(error = telemetry::cause(&error), "a turn cannot begin yet");
                    if !matches!(error, StoreError::Unavailable(_)) {
                        faults = faults.saturating_add(1);
                        if let Some(key) = faulty.filter(|_| faults >= FAULTS) {
                            tracing::error!(%chat, "a turn that cannot be read is ended");
                            return Err(Unreadable(key));
                        }
                        // Before it is read for the last time: what is said instead meanwhile is another turn.
                        faulty = self.turns.key(chat, lease).await.unwrap_or_default();
                    }
                }
            }
            if self.stop.is_cancelled() {
                return Ok(None); // It is swept when the lease has ended.
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Has the store take the end of a turn; whether another follows.
    async fn finish(&self, live: &LiveTurn, mut end: TurnEnd) -> Option<Begun> {
        let (mut pause, mut faults) = (FIRST_PAUSE, 0_u32);
        // The end may have been taken, and the next turn begun, by a try whose answer was lost.
        let mut unsure = None;
        loop {
            let error = match self.turns.finish(live.key, live.lease, &end).await {
                Ok(next) => return next.map(|_key| Begun::Surely).or(unsure),
                Err(error) => error,
            };
            if matches!(error, StoreError::Unavailable(_)) {
                unsure = Some(Begun::Perhaps);
            } else {
                faults += 1;
            }
            match faults {
                FAULTS => {
                    tracing::error!(
                        error = telemetry::cause(&error),
                        "what was said in a turn is not kept"
                    );
                    end.content = Vec::new();
                    end.error = Some(errors::not_kept().error(None));
                }
                _ => tracing::warn!(error = telemetry::cause(&error), "a turn cannot end yet"),
            }
            if faults > FAULTS && self.stop.is_cancelled() {
                return None; // It is swept when the lease has ended.
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks how all turns here stand, by one question for each lease, which is usually one.
    async fn look_at_standing(&self) {
        let mut live = self.live.all();
        while let Some(lease) = live.first().map(|turn| turn.lease) {
            let (these, others) = live.into_iter().partition(|turn| turn.lease == lease);
            live = others;
            let these: Vec<Arc<LiveTurn>> = these;
            let keys: Vec<TurnKey> = these.iter().map(|turn| turn.key).collect();
            match self.turns.standings(&keys, lease).await {
                Ok(standings) => these.iter().zip(standings).for_each(obey),
                Err(error) => {
                    tracing::warn!(
                        error = telemetry::cause(&error),
                        "it cannot be asked how turns stand"
                    );
                }
            }
        }
    }

    async fn sweep(&self) {
        let mut after = None;
        loop {
            match self.turns.sweep(after, SWEEP).await {
                Ok(swept) => {
                    telemetry::swept(swept.ended.len());
                    let ended = swept.ended.iter();
                    ended.for_each(|chat| self.feeds.changed(*chat));
                    after = swept.next;
                    if after.is_none() {
                        return;
                    }
                }
                Err(error) => {
                    let error = telemetry::cause(&error);
                    tracing::warn!(error, "turns of servers that have gone cannot be ended yet");
                    return;
                }
            }
        }
    }
}

/// Does something that is done again and again. A mistake of ours in it ends this time, and neither the next nor anything
/// else.
async fn guarded(work: impl Future<Output = ()>) {
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        tracing::error!("looking after turns has panicked; it goes on with the next look");
    }
}

fn obey((turn, standing): (&Arc<LiveTurn>, TurnStanding)) {
    match standing {
        TurnStanding::Running => {}
        TurnStanding::Stopping => turn.interrupted.cancel(),
        TurnStanding::Over => turn.over.cancel(),
    }
}
