//! The gateway as a whole: what it is made of, how it starts and how it ends.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{
    Clock, IdSource,
    spend::{LimitKey, LimitKind},
};
use store::StoreResult;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    GatewayConfig,
    access::Access,
    lease::LeaseKeeper,
    ledger::Ledger,
    prices::Prices,
    progress::OpenStreams,
    queue::Queue,
    settle::{Settler, jitter, source_text},
    stored_responses::StoredResponses,
    telemetry,
    upstream::{Upstream, UpstreamBuildError},
};

/// The most reservations that one sweep settles.
const SWEEP: u32 = 100;
/// How often the tables of the coming months are made.
const MONTHS: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the last settlements may take once the open requests were cut.
const LAST_SETTLEMENTS: Duration = Duration::from_secs(5);

/// Another server says that waiters may try again. Only a hint: one that is lost costs a second of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpendHint {
    /// Those at this limit.
    Limit(LimitKey),
    /// Everybody's, after hints may have been lost.
    Everybody,
}

/// The AI gateway. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) inner: Arc<Inner>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}

/// The gateway's parts.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: GatewayConfig,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) stored_responses: Arc<dyn StoredResponses>,
    pub(crate) prices: Prices,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) upstream: Upstream,
    pub(crate) queue: Queue,
    pub(crate) leases: Arc<LeaseKeeper>,
    pub(crate) settler: Arc<Settler>,
    pub(crate) streams: OpenStreams,
    /// Requests and settlements in flight.
    pub(crate) tasks: TaskTracker,
    /// Cuts what is in flight: its time is up.
    pub(crate) stop: CancellationToken,
    loops: TaskTracker,
    loops_stop: CancellationToken,
    hints: Mutex<Option<mpsc::Receiver<SpendHint>>>,
}

/// What a gateway is made of, with seams that tests fill otherwise.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) access: Arc<dyn Access>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) stored_responses: Arc<dyn StoredResponses>,
    pub(crate) prices: Prices,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) config: GatewayConfig,
    pub(crate) hints: mpsc::Receiver<SpendHint>,
}

impl Gateway {
    /// Builds a gateway of its parts.
    pub(crate) fn of(parts: Parts) -> Result<Self, UpstreamBuildError> {
        telemetry::describe();
        let Parts {
            access,
            ledger,
            stored_responses,
            prices,
            clock,
            ids,
            config,
            hints,
        } = parts;
        let queue = Queue::new(config.max_waiters_per_user);
        let leases = LeaseKeeper::new(Arc::clone(&ledger), Arc::clone(&ids), config.lease_ttl);
        let leases = Arc::new(leases);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let settler = Settler::new(
            Arc::clone(&ledger),
            queue.clone(),
            Arc::clone(&leases),
            (tasks.clone(), stop.clone()),
            config.settle_give_up,
        );
        let inner = Inner {
            upstream: Upstream::new(&config)?,
            config,
            access,
            ledger,
            stored_responses,
            prices,
            clock,
            ids,
            queue,
            leases,
            settler: Arc::new(settler),
            streams: OpenStreams::default(),
            tasks,
            stop,
            loops: TaskTracker::new(),
            loops_stop: CancellationToken::new(),
            hints: Mutex::new(Some(hints)),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Takes a lease, ends those of earlier processes when this server is alone, and starts the background
    /// work. To be called once, before the first request.
    ///
    /// # Errors
    /// What the store says about the lease.
    pub async fn start(&self) -> StoreResult<()> {
        let inner = &self.inner;
        inner.leases.current().await?;
        inner.make_months().await;
        if inner.config.embedded_alone {
            let ended = inner.leases.end_others().await?;
            if ended > 0 {
                tracing::info!(ended, "ended the leases of earlier processes");
            }
            inner.sweep().await;
        }
        self.every(inner.config.lease_renew_every, |inner| async move {
            inner.renew().await;
        });
        self.every(inner.config.sweep_every, |inner| async move {
            inner.sweep().await;
        });
        self.every(inner.config.progress_every, |inner| async move {
            inner.save_progress().await;
        });
        self.every(MONTHS, |inner| async move {
            inner.make_months().await;
        });
        let hints = inner
            .hints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(hints) = hints {
            let (queue, stop) = (inner.queue.clone(), inner.loops_stop.clone());
            inner.loops.spawn(follow(hints, queue, stop));
        }
        Ok(())
    }

    /// Ends the gateway: requests in flight may finish for `grace`, then they are cut and charged with what
    /// is known, and the lease ends. No request may arrive any more.
    pub async fn shutdown(&self, grace: Duration) {
        let inner = &self.inner;
        inner.tasks.close();
        if tokio::time::timeout(grace, inner.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(open = inner.tasks.len(), "requests in flight are cut");
            inner.stop.cancel();
            if tokio::time::timeout(LAST_SETTLEMENTS, inner.tasks.wait())
                .await
                .is_err()
            {
                tracing::error!(open = inner.tasks.len(), "requests are left to be swept");
            }
        }
        inner.loops_stop.cancel();
        inner.loops.close();
        inner.loops.wait().await;
        if let Err(error) = inner.leases.end().await {
            tracing::warn!(
                error = source_text(&error),
                "the lease could not be ended; it will lapse"
            );
        }
    }

    /// Repeats a piece of work, with pauses of about `pause`, until the gateway ends.
    fn every<W>(&self, pause: Duration, work: impl Fn(Arc<Inner>) -> W + Send + 'static)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        self.inner.loops.spawn(async move {
            loop {
                tokio::select! {
                    () = inner.loops_stop.cancelled() => return,
                    () = tokio::time::sleep(jitter(pause)) => {}
                }
                work(Arc::clone(&inner)).await;
            }
        });
    }
}

async fn follow(mut hints: mpsc::Receiver<SpendHint>, queue: Queue, stop: CancellationToken) {
    loop {
        let hint = tokio::select! {
            () = stop.cancelled() => return,
            hint = hints.recv() => hint,
        };
        match hint {
            Some(SpendHint::Limit(limit)) => queue.wake(limit),
            Some(SpendHint::Everybody) => queue.wake_all(),
            None => return,
        }
    }
}

impl Inner {
    /// Waits for what has to be written down, but not longer than the end of an answer may wait; it goes on by itself.
    pub(crate) async fn patiently(&self, writing: Option<JoinHandle<()>>) {
        if let Some(writing) = writing
            && tokio::time::timeout(self.config.settle_patience, writing)
                .await
                .is_err()
        {
            tracing::warn!("an answer ends before all of it is written down");
        }
    }

    async fn renew(&self) {
        if let Err(error) = self.leases.renew().await {
            tracing::warn!(
                error = source_text(&error),
                "the lease could not be renewed"
            );
        }
    }

    async fn sweep(&self) {
        loop {
            match self.ledger.sweep(SWEEP).await {
                Ok(limits) => {
                    let people = limits.iter().filter(|limit| limit.kind == LimitKind::User);
                    telemetry::swept(people.count());
                    for limit in &limits {
                        self.queue.wake(*limit);
                    }
                    if limits.is_empty() {
                        return;
                    }
                    tracing::info!(
                        limits = limits.len(),
                        "settled reservations of lapsed leases"
                    );
                }
                Err(error) => {
                    tracing::warn!(
                        error = source_text(&error),
                        "lapsed leases could not be swept"
                    );
                    return;
                }
            }
        }
    }

    /// Events that find no table of their month go to one for all the others, so it is no harm when this fails.
    async fn make_months(&self) {
        if let Err(error) = self.ledger.months_make().await {
            tracing::warn!(
                error = source_text(&error),
                "the tables of the coming months could not be made"
            );
        }
    }

    async fn save_progress(&self) {
        let steps = self.streams.unsaved();
        if steps.is_empty() {
            return;
        }
        match self.ledger.progress(&steps).await {
            Ok(()) => self.streams.saved(&steps),
            Err(error) => {
                tracing::warn!(error = source_text(&error), "progress could not be saved");
            }
        }
    }
}
