//! The lanes of the batcher: who waits in which, who takes batches from it, and for how long a busy one gathers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use model::{
    UserId,
    caps::BlockedCap,
    spend::{LedgerAnswer, LedgerOp, LimitKey, ReserveOutcome, SpendState},
};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use crate::batcher::{Answer, Shared};

/// The most steps of a batch.
const MOST: usize = 256;
/// A lane whose batch had at least so many steps waits for as many again, or for [`GATHERING`].
const BUSY: usize = 16;
/// How long a busy lane waits at most. A commit takes longer than that.
const GATHERING: Duration = Duration::from_millis(1);
/// Of how many people it is remembered which pool they spend from.
const POOLED: usize = 100_000;

/// Who waits for what.
#[derive(Debug, Default)]
pub(crate) struct State {
    lanes: Vec<Lane>,
    /// Who spends from which pool, or under which cap of a subscription, as far as it was seen lately: only to choose
    /// lanes by.
    pooled: HashMap<UserId, Uuid>,
    /// The steps of people who are in lanes of their own.
    pub(crate) own: BTreeMap<UserId, VecDeque<Pending>>,
    /// Limits that the other servers are to be told of.
    pub(crate) tell: BTreeSet<LimitKey>,
    pub(crate) telling: bool,
}

/// A lane of many people.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    waiting: VecDeque<Pending>,
    /// Whether somebody takes batches from it.
    running: bool,
    /// Whoever gathers is told once so many steps wait.
    enough: usize,
    gathered: Arc<Notify>,
}

impl State {
    /// So many lanes, at least one.
    pub(crate) fn new(lanes: usize) -> Self {
        Self {
            lanes: (0..lanes.max(1)).map(|_| Lane::default()).collect(),
            ..Self::default()
        }
    }

    /// Puts a step into its lane; the lane from which somebody must take batches now.
    pub(crate) fn push(&mut self, pending: Pending) -> Option<usize> {
        let user = pending.op.user_id();
        if let Some(own) = self.own.get_mut(&user) {
            own.push_back(pending);
            return None;
        }
        let number = self.lane_of(user);
        let lane = self.lanes.get_mut(number)?;
        lane.waiting.push_back(pending);
        if lane.waiting.len() == lane.enough {
            lane.gathered.notify_one();
        }
        let starts = !std::mem::replace(&mut lane.running, true);
        starts.then_some(number)
    }

    /// The lane of a person.
    fn lane_of(&self, user: UserId) -> usize {
        let id = self.pooled.get(&user).copied().unwrap_or(user.0);
        // The last byte of an id is random.
        let last = id.as_bytes().last().copied().unwrap_or_default();
        usize::from(last) % self.lanes.len().max(1)
    }

    /// Takes note of who spends from a pool.
    pub(crate) fn learn(&mut self, answer: &LedgerAnswer) {
        let LedgerAnswer::Reserved(outcome) = answer else {
            return;
        };
        if let ReserveOutcome::Admitted { account, state, .. } = &**outcome {
            match shared(state) {
                Some(limit) => {
                    if self.pooled.len() >= POOLED {
                        self.pooled.clear();
                    }
                    self.pooled.insert(account.user_id, limit);
                }
                None => drop(self.pooled.remove(&account.user_id)),
            }
        }
    }

    fn lane(&mut self, number: usize) -> Option<&mut Lane> {
        self.lanes.get_mut(number)
    }
}

/// The limit that this person shares with the most others.
fn shared(state: &SpendState) -> Option<Uuid> {
    let mut caps = state.caps.iter().flatten();
    let all = caps.rfind(|cap| cap.cap == BlockedCap::Subscription);
    let pool = state.pool.map(|pool| pool.group_id.0);
    all.map(|cap| cap.scope.id()).or(pool)
}

/// A step, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) op: LedgerOp,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// Somebody takes batches from a lane. Dropped, also by a panic, the next step finds somebody else.
pub(crate) struct Running {
    shared: Arc<Shared>,
    lane: usize,
    ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended
            && let Some(lane) = self.shared.state().lane(self.lane)
        {
            lane.running = false;
        }
    }
}

impl Running {
    /// Somebody who takes batches from a lane now.
    pub(crate) const fn new(shared: Arc<Shared>, lane: usize) -> Self {
        Self {
            shared,
            lane,
            ended: false,
        }
    }

    /// The next batch; none when there is nothing more, and then nobody takes batches any more.
    pub(crate) fn next(&mut self) -> Option<Vec<Pending>> {
        let mut state = self.shared.state();
        let lane = state.lane(self.lane)?;
        let batch = take(&mut lane.waiting);
        if batch.is_empty() {
            lane.running = false;
            self.ended = true;
            return None;
        }
        Some(batch)
    }

    /// Waits a moment for as many steps as the last batch had, if those were many.
    pub(crate) async fn gather(&self, enough: usize) {
        let gathered = {
            let mut state = self.shared.state();
            let Some(lane) = state.lane(self.lane) else {
                return;
            };
            if enough < BUSY || lane.waiting.len() >= enough {
                return;
            }
            lane.enough = enough;
            Arc::clone(&lane.gathered)
        };
        // Either way there is something to be done now.
        drop(tokio::time::timeout(GATHERING, gathered.notified()).await);
        if let Some(lane) = self.shared.state().lane(self.lane) {
            lane.enough = 0;
        }
    }
}

/// The steps of the next batch.
pub(crate) fn take(lane: &mut VecDeque<Pending>) -> Vec<Pending> {
    let most = lane.len().min(MOST);
    lane.drain(..most).collect()
}
