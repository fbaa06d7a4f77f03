//! Group commit: steps of the ledger that arrive while a batch is in flight form the next one, so that one
//! transaction pays for many of them, and the more there are the less each costs.
//!
//! There are a few *lanes* with one batch in flight in each, so that one is decided while another one is made
//! durable. A person's steps are in the same lane, and so are those of all whom a pool limits together, since lanes
//! that meet at a row wait for each other's commits. While there is much to do, a lane waits a moment for those whom
//! it has just answered, so that one commit is for all of them.
//!
//! When a batch fails, nobody knows by whose fault: each person's steps are tried again in a lane of their own, beside
//! the others, and so are the steps that this person brings until that lane is empty. A lane that fails with several
//! steps tries them one by one. So one person's trouble, a row that somebody else keeps locked say, delays the others
//! once, and only for the moment that a batch waits for a lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dbauthz::SystemStore;
use model::{
    UserId,
    spend::{LedgerAnswer, LedgerBatch, LedgerOp, LimitKey, LockWait, Release, ReserveOutcome},
};
use store::{StoreError, StoreResult};
use tokio::{
    sync::{Semaphore, oneshot},
    time::Instant,
};

use crate::{
    asked::Asked,
    lanes::{Pending, Running, State, take},
    ledger::ReserveFailure,
    settle::source_text,
    telemetry,
};

/// How many lanes of single persons may be in the database at a time.
const OWN_LANES: usize = 8;

/// What a step came to. A failed reservation that may have been made all the same says which it would be.
pub(crate) type Answer = Result<LedgerAnswer, ReserveFailure>;

/// Takes steps and answers them.
#[derive(Debug, Clone)]
pub(crate) struct Batcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    gateway: SystemStore,
    own_lanes: Semaphore,
    state: Mutex<State>,
}

/// An error that many are told.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a batch of the ledger failed")]
struct Together(#[source] Arc<StoreError>);

impl Together {
    fn error(&self) -> StoreError {
        match *self.0 {
            StoreError::Unavailable(_) => StoreError::Unavailable(Box::new(self.clone())),
            _ => StoreError::Internal(Box::new(self.clone())),
        }
    }
}

/// How a transaction ended.
enum Attempt {
    Done(LedgerBatch),
    /// There was no connection.
    NotBegun(StoreError),
    /// Nothing of it is there.
    Failed(StoreError),
    /// The answer to the commit did not come.
    Unsure(StoreError, LedgerBatch),
}

impl Batcher {
    /// With so many batches in flight, at least one.
    pub(crate) fn new(gateway: SystemStore, lanes: usize) -> Self {
        let shared = Shared {
            gateway,
            own_lanes: Semaphore::new(OWN_LANES),
            state: Mutex::new(State::new(lanes)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Takes a step and answers it, also when nobody waits for the answer any more.
    pub(crate) fn push(&self, op: LedgerOp) -> Asked {
        let (reply, answer) = oneshot::channel();
        if let Some(lane) = self.shared.state().push(Pending { op, reply }) {
            tokio::spawn(Arc::clone(&self.shared).lane(lane));
        }
        Asked::new(self.clone(), answer)
    }

    /// Tells the other servers that waiters at these limits may try again, soon and all in one.
    pub(crate) fn tell(&self, limits: impl IntoIterator<Item = LimitKey>) {
        self.shared.tell(limits);
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn lane(self: Arc<Self>, lane: usize) {
        let mut running = Running::new(Arc::clone(&self), lane);
        while let Some(batch) = running.next() {
            let steps = batch.len();
            if let Err((error, batch)) = self.run(batch, LockWait::Brief).await {
                tracing::warn!(
                    error = source_text(&error),
                    steps = batch.len(),
                    "a batch of the ledger failed: each person's steps are tried by themselves"
                );
                self.part(batch);
            }
            running.gather(steps).await;
        }
    }

    /// Puts the steps of a failed batch into lanes of their people.
    fn part(self: &Arc<Self>, batch: Vec<Pending>) {
        let mut state = self.state();
        for pending in batch {
            let user = pending.op.user_id();
            if !state.own.contains_key(&user) {
                tokio::spawn(Arc::clone(self).own_lane(user));
            }
            state.own.entry(user).or_default().push_back(pending);
        }
    }

    async fn own_lane(self: Arc<Self>, user: UserId) {
        // An error would mean that the semaphore was closed, which nobody does.
        let _permit = self.own_lanes.acquire().await.ok();
        loop {
            let batch = {
                let mut state = self.state();
                let batch = state.own.get_mut(&user).map(take).unwrap_or_default();
                if batch.is_empty() {
                    state.own.remove(&user);
                    return;
                }
                batch
            };
            if let Err((error, batch)) = self.run(batch, LockWait::Long).await {
                self.one_by_one(error, batch).await;
            }
        }
    }

    async fn one_by_one(self: &Arc<Self>, error: StoreError, batch: Vec<Pending>) {
        if batch.len() == 1 {
            return fail_all(replies(batch), error);
        }
        for pending in batch {
            if let Err((error, alone)) = self.run(vec![pending], LockWait::Long).await {
                fail_all(replies(alone), error);
            }
        }
    }

    /// Runs a batch and answers it. One that failed, with nothing done, comes back.
    async fn run(
        self: &Arc<Self>,
        batch: Vec<Pending>,
        wait: LockWait,
    ) -> Result<(), (StoreError, Vec<Pending>)> {
        let (ops, replies): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|pending| (pending.op, pending.reply))
            .unzip();
        match self.attempt(&ops, wait).await {
            Attempt::Done(done) => self.answer(replies, done),
            Attempt::NotBegun(error) => fail_all(replies, error),
            Attempt::Unsure(error, done) => self.unsure(replies, error, done),
            Attempt::Failed(error) => {
                let pending = |(op, reply)| Pending { op, reply };
                return Err((error, ops.into_iter().zip(replies).map(pending).collect()));
            }
        }
        Ok(())
    }

    async fn attempt(&self, ops: &[LedgerOp], wait: LockWait) -> Attempt {
        let began = Instant::now();
        let mut unit = match self.gateway.begin_batch().await {
            Ok(unit) => unit,
            Err(error) => return Attempt::NotBegun(error),
        };
        let done = match unit.ledger().ledger_batch(ops, wait).await {
            Ok(done) => done,
            Err(error) => return Attempt::Failed(error),
        };
        match unit.commit().await {
            Ok(()) => {}
            // Only a database that is away leaves it open whether it committed; else it said that it did not.
            Err(error @ StoreError::Unavailable(_)) => return Attempt::Unsure(error, done),
            Err(error) => return Attempt::Failed(error),
        }
        telemetry::batch(ops.len(), began.elapsed());
        Attempt::Done(done)
    }

    fn answer(self: &Arc<Self>, replies: Vec<oneshot::Sender<Answer>>, done: LedgerBatch) {
        self.tell(done.wake);
        let mut state = self.state();
        done.answers.iter().for_each(|answer| state.learn(answer));
        drop(state);
        for (reply, answer) in replies.into_iter().zip(done.answers) {
            // Whoever has gone has left somebody to hear the answer.
            drop(reply.send(Ok(answer)));
        }
    }

    /// It is not known whether the batch is durable: what was to be reserved must be undone by whoever asked,
    /// what was to be closed is closed again.
    fn unsure(
        self: &Arc<Self>,
        replies: Vec<oneshot::Sender<Answer>>,
        error: StoreError,
        done: LedgerBatch,
    ) {
        self.tell(done.wake);
        let together = Together(Arc::new(error));
        for (reply, answer) in replies.into_iter().zip(done.answers) {
            let failure = ReserveFailure {
                error: together.error(),
                unsure: made(&answer),
            };
            drop(reply.send(Err(failure)));
        }
    }

    fn tell(self: &Arc<Self>, limits: impl IntoIterator<Item = LimitKey>) {
        let mut state = self.state();
        state.tell.extend(limits);
        if state.tell.is_empty() || state.telling {
            return;
        }
        state.telling = true;
        drop(state);
        tokio::spawn(Arc::clone(self).telling());
    }

    /// Tells until there is nothing more to tell. What cannot be told is forgotten: whoever waits looks again by
    /// itself.
    async fn telling(self: Arc<Self>) {
        loop {
            let limits: Vec<LimitKey> = {
                let mut state = self.state();
                let limits = std::mem::take(&mut state.tell);
                if limits.is_empty() {
                    state.telling = false;
                    return;
                }
                limits.into_iter().collect()
            };
            let told: StoreResult<()> = async {
                let mut unit = self.gateway.begin().await?;
                unit.ledger().spend_notify(&limits).await?;
                unit.commit().await
            }
            .await;
            if let Err(error) = told {
                tracing::warn!(
                    error = source_text(&error),
                    "other servers could not be told"
                );
            }
        }
    }
}

/// The reservation that an answer says was made.
pub(crate) fn made(answer: &LedgerAnswer) -> Option<Release> {
    let LedgerAnswer::Reserved(outcome) = answer else {
        return None;
    };
    match &**outcome {
        ReserveOutcome::Admitted { id, account, .. } => Some(Release {
            id: *id,
            account: *account,
        }),
        _ => None,
    }
}

fn replies(batch: Vec<Pending>) -> Vec<oneshot::Sender<Answer>> {
    batch.into_iter().map(|pending| pending.reply).collect()
}

fn fail_all(replies: Vec<oneshot::Sender<Answer>>, error: StoreError) {
    let together = Together(Arc::new(error));
    for reply in replies {
        drop(reply.send(Err(together.error().into())));
    }
}
