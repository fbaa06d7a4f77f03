//! Closing reservations, whatever happens: tried again with growing pauses, in the background if need be.

use std::{sync::Arc, time::Duration};

use model::spend::{Release, SettleEffect, SettleOutcome, Settlement, SettlementBasis};
use store::{StoreError, StoreResult};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    lease::{Lease, LeaseKeeper},
    ledger::Ledger,
    queue::Queue,
    telemetry,
};

/// The first pause between two attempts; it doubles up to [`MOST_PAUSE`].
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts.
pub(crate) const MOST_PAUSE: Duration = Duration::from_secs(2);
/// How often a call is tried that fails for another reason than an absent database.
const MOST_FAILURES: u32 = 5;
/// When it is looked again for a reservation whose making was interrupted.
pub(crate) const UNDO_PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];

/// How a reservation is closed.
#[derive(Debug, Clone)]
pub(crate) enum Closing {
    /// With a charge.
    Settle(Box<Settlement>),
    /// Without one.
    Release(Release),
    /// Without one, if there is one at all: the ledger failed while it was asked, and a commit whose answer
    /// was lost may become visible only a little later.
    Undo(Release),
}

/// Closes reservations.
#[derive(Debug)]
pub(crate) struct Settler {
    ledger: Arc<dyn Ledger>,
    queue: Queue,
    leases: Arc<LeaseKeeper>,
    tasks: TaskTracker,
    stop: CancellationToken,
    give_up: Duration,
}

impl Settler {
    /// `give_up` is how long a closing is tried at the least; a lease that lives longer prolongs it.
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        queue: Queue,
        leases: Arc<LeaseKeeper>,
        (tasks, stop): (TaskTracker, CancellationToken),
        give_up: Duration,
    ) -> Self {
        Self {
            ledger,
            queue,
            leases,
            tasks,
            stop,
            give_up,
        }
    }

    /// Closes a reservation in a task of its own, which nobody needs to wait for. Outside a runtime, where no
    /// task can run any more, the reservation is left to the sweep.
    pub(crate) fn close(
        self: &Arc<Self>,
        closing: Closing,
        lease: Arc<Lease>,
    ) -> Option<JoinHandle<()>> {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            telemetry::abandoned();
            return None;
        };
        let settler = Arc::clone(self);
        let task = async move { settler.run(&closing, lease).await };
        Some(self.tasks.spawn_on(task, &runtime))
    }

    async fn run(&self, closing: &Closing, lease: Arc<Lease>) {
        let started = Instant::now();
        let (mut pause, mut failures, mut undone) = (FIRST_PAUSE, 0, 0);
        loop {
            match self.attempt(closing).await {
                Ok(outcome) => {
                    let Some(pause) = look_again(closing, &outcome, undone) else {
                        return self.closed(closing, &outcome);
                    };
                    undone += 1;
                    if self
                        .stop
                        .run_until_cancelled(tokio::time::sleep(pause))
                        .await
                        .is_none()
                    {
                        return;
                    }
                    continue;
                }
                Err(StoreError::Unavailable(error)) => {
                    tracing::warn!(%error, ?closing, "closing a reservation: the database is away");
                }
                Err(error) => {
                    failures += 1;
                    tracing::error!(
                        error = source_text(&error),
                        ?closing,
                        "closing a reservation failed"
                    );
                }
            }
            let end = lease.ends().max(started + self.give_up);
            if failures >= MOST_FAILURES || Instant::now() >= end {
                telemetry::abandoned();
                tracing::error!(?closing, "a reservation is left to be swept");
                self.leases.retire(&lease);
                return;
            }
            telemetry::settle_retry();
            tokio::time::sleep(jitter(pause)).await;
            pause = (pause * 2).min(MOST_PAUSE);
        }
    }

    async fn attempt(&self, closing: &Closing) -> StoreResult<SettleOutcome> {
        match closing {
            Closing::Settle(settlement) => self.ledger.settle(settlement).await,
            Closing::Release(release) | Closing::Undo(release) => {
                self.ledger.release(*release).await
            }
        }
    }

    fn closed(&self, closing: &Closing, outcome: &SettleOutcome) {
        for limit in &outcome.freed {
            self.queue.wake(*limit);
        }
        let Closing::Settle(settlement) = closing else {
            return;
        };
        if matches!(
            outcome.effect,
            SettleEffect::Unknown | SettleEffect::Released
        ) {
            tracing::error!(reservation = %settlement.id, effect = ?outcome.effect, "nothing was charged");
            return;
        }
        tracing::debug!(
            reservation = %settlement.id, cost = ?settlement.cost, basis = ?settlement.basis,
            effect = ?outcome.effect, "charged"
        );
        if settlement.basis == SettlementBasis::Estimated {
            telemetry::estimated();
        }
        if outcome.over_hold.0 > 0 {
            telemetry::over_report(outcome.over_hold);
            tracing::warn!(
                reservation = %settlement.id, by = %outcome.over_hold,
                "the provider reported more than the bound of the request allowed"
            );
        }
    }
}

/// How long to wait before looking again for what an interrupted call may have left; `None`: not again.
fn look_again(closing: &Closing, outcome: &SettleOutcome, looked: usize) -> Option<Duration> {
    let missing = outcome.effect == SettleEffect::Unknown && matches!(closing, Closing::Undo(_));
    UNDO_PAUSES.get(looked).copied().filter(|_| missing)
}

/// Between half the pause and all of it, so that many that failed together do not come back together.
pub(crate) fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..=1.0))
}

/// An error with the ones that it stems from.
pub(crate) fn source_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
