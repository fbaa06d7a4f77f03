//! From a request's bounds to a held amount, a refusal, or a place in the line: waiting holds nothing.

use std::time::Duration;

use model::{
    ReservationId,
    admission::Patience,
    spend::{NotBounded, ReserveOutcome, ReserveRequest, SpendState},
};
use store::StoreError;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use crate::{
    gateway::Inner,
    held::{Bill, Held},
    pipeline::{Job, Reply},
    queue::Ticket,
    settle::jitter,
    telemetry,
    worst_case::Bounds,
};

/// For how long a waiter may be passed by a smaller request: the ledger's rule, repeated here only to decide
/// who looks next.
const MAY_BE_PASSED: Duration = Duration::from_secs(1);

/// After so many pauses without a call, a waiter looks although it is not the first.
const MOST_UNCALLED: u32 = 5;

/// How admission ended.
#[derive(Debug)]
pub(crate) enum Decision {
    /// The amount is held; forward with this cap per choice.
    Admitted {
        held: Box<Held>,
        cap: Option<u64>,
        lowered: bool,
        /// Whether it waited for that, so that its caller's access was judged a while ago.
        waited: bool,
    },
    /// It cannot fit in this period.
    Refused(SpendState),
    /// A limit applies and its cost has no bound.
    NotBounded(NotBounded, SpendState),
    /// Its turn did not come in time.
    RetryLater(SpendState),
    /// The client left.
    Left,
    /// The server ends.
    Stopping,
    /// The ledger failed.
    Failed(StoreError),
}

/// What made a waiter look again.
enum Look {
    Called,
    FirstLooks,
    LongUncalled,
    WaitIsOver,
    ClientLeft,
    Stopping,
}

/// One request on its way through admission.
struct Admission<'a> {
    inner: &'a Inner,
    ticket: Ticket,
    request: ReserveRequest,
    held: Held,
    deadline: Instant,
    waiting: Option<Waiting>,
}

struct Waiting {
    since: Instant,
    _counted: telemetry::Waiting,
}

/// Reserves the worst case of a request, waiting its turn where only open reservations stand in the way.
pub(crate) async fn admit(
    inner: &Inner,
    job: &Job,
    bounds: &Bounds,
    id: ReservationId,
    reply: &mut Reply,
) -> Decision {
    let lease = match inner.leases.current().await {
        Ok(lease) => lease,
        Err(error) => return Decision::Failed(error),
    };
    let wait = inner.config.admission_wait;
    let request = ReserveRequest {
        id,
        lease_id: lease.id,
        user_id: job.entry.user_id,
        api_key_id: job.entry.api_key_id.clone(),
        provider_id: job.entry.provider.id,
        provider_name: job.entry.provider.name.to_string(),
        model: job.facts.model.clone(),
        input_bound_tokens: bounds.input_tokens,
        worst_case: bounds.worst_case,
        prices: bounds.prices.clone(),
        patience: Patience::Arrived,
        waiting_since: None,
        gives_up_at: inner.clock.now() + chrono_of(wait),
    };
    let bill = Bill {
        id,
        price: job.price.clone(),
        input_tokens: bounds.input_tokens,
        output_tokens: u64::MAX,
        web_searches: bounds.web_searches,
        ceiling: None,
    };
    let admission = Admission {
        inner,
        ticket: inner.queue.join(job.entry.user_id),
        request,
        held: Held::new(inner.settler.clone(), lease, bill),
        deadline: Instant::now() + wait,
        waiting: None,
    };
    admission.run(job, bounds, reply).await
}

impl Admission<'_> {
    async fn run(mut self, job: &Job, bounds: &Bounds, reply: &mut Reply) -> Decision {
        let mut own_accord = false;
        loop {
            let turn = match self.turn(reply).await {
                Ok(turn) => turn,
                Err(decision) => return self.end(decision).await,
            };
            self.ticket.begin_look(own_accord);
            let outcome = self.ask().await;
            drop(turn);
            match outcome {
                Ok(ReserveOutcome::Admitted {
                    hold,
                    cap,
                    lowered,
                    state: _,
                }) => {
                    self.held.admitted();
                    // Without a cap that was set, only the client's own bounds the output.
                    let most = cap.or(job.facts.client_cap);
                    let bill = &mut self.held.bill;
                    bill.output_tokens =
                        most.map_or(u64::MAX, |most| bounds.output_tokens(&job.facts, most));
                    bill.ceiling = cap.map(|_| hold);
                    return Decision::Admitted {
                        held: Box::new(self.held),
                        cap,
                        lowered,
                        waited: self.waiting.is_some(),
                    };
                }
                Ok(ReserveOutcome::Wait(state)) => {
                    if self.request.patience == Patience::Expired || !self.start_waiting(&state) {
                        return self.end(Decision::RetryLater(state)).await;
                    }
                }
                Ok(ReserveOutcome::Refused(state)) => {
                    return self.end(Decision::Refused(state)).await;
                }
                Ok(ReserveOutcome::RetryLater(state)) => {
                    return self.end(Decision::RetryLater(state)).await;
                }
                Ok(ReserveOutcome::NotBounded(why, state)) => {
                    return self.end(Decision::NotBounded(why, state)).await;
                }
                // It is not known whether the amount is held: dropping the guard undoes it.
                Err(error) => return Decision::Failed(error),
            }
            match self.next_look(reply).await {
                Look::Called | Look::LongUncalled => own_accord = false,
                Look::FirstLooks => own_accord = true,
                Look::WaitIsOver => {
                    own_accord = true;
                    self.request.patience = Patience::Expired;
                }
                Look::ClientLeft => return self.end(Decision::Left).await,
                Look::Stopping => return self.end(Decision::Stopping).await,
            }
        }
    }

    /// Waits until others of the same person have been told, so that they do not take all connections.
    async fn turn(&self, reply: &mut Reply) -> Result<Option<OwnedSemaphorePermit>, Decision> {
        tokio::select! {
            biased;
            () = reply.closed() => Err(Decision::Left),
            () = self.inner.stop.cancelled() => Err(Decision::Stopping),
            turn = self.ticket.turn() => Ok(turn),
        }
    }

    /// Asks the ledger once.
    async fn ask(&mut self) -> Result<ReserveOutcome, StoreError> {
        // A wait may outlive the lease that it began under.
        let lease = self.inner.leases.current().await?;
        self.request.lease_id = lease.id;
        self.held.under(lease);
        let asked = Instant::now();
        let outcome = self.inner.ledger.reserve(&self.request).await;
        telemetry::reserved(asked.elapsed());
        outcome
    }

    /// Takes note of having been told to wait; `false` when as many wait as may.
    fn start_waiting(&mut self, state: &SpendState) -> bool {
        let now = Instant::now();
        if self.waiting.is_none() {
            if self.ticket.wait(state.now, self.request.id).is_err() {
                return false;
            }
            // By the database's clock, which all servers share.
            let left = self.deadline.saturating_duration_since(now);
            self.request.waiting_since = Some(state.now);
            self.request.gives_up_at = state.now + chrono_of(left);
            self.waiting = Some(Waiting {
                since: now,
                _counted: telemetry::waiting(),
            });
        }
        let waited = self
            .waiting
            .as_ref()
            .map_or(Duration::ZERO, |waiting| waiting.since.elapsed());
        if waited < MAY_BE_PASSED {
            self.ticket.hand_on();
        } else {
            self.ticket.keep_call();
        }
        true
    }

    /// Waits for a reason to ask again.
    async fn next_look(&self, reply: &mut Reply) -> Look {
        let mut uncalled = 0;
        loop {
            tokio::select! {
                biased;
                () = reply.closed() => return Look::ClientLeft,
                () = self.inner.stop.cancelled() => return Look::Stopping,
                () = tokio::time::sleep_until(self.deadline) => return Look::WaitIsOver,
                () = self.ticket.called() => return Look::Called,
                () = tokio::time::sleep(jitter(self.inner.config.poll_every)) => {
                    // Hints may be lost, so the first looks of its own accord, and the others rarely, should
                    // the ledger keep room for one of them.
                    uncalled += 1;
                    if self.ticket.first() {
                        return Look::FirstLooks;
                    }
                    if uncalled >= MOST_UNCALLED {
                        return Look::LongUncalled;
                    }
                }
            }
        }
    }

    /// Ends without a reservation: nobody yields to this request any longer.
    async fn end(self, decision: Decision) -> Decision {
        let waited =
            self.request.waiting_since.is_some() || matches!(decision, Decision::RetryLater(_));
        self.held.forget();
        if waited {
            let ended = self
                .inner
                .ledger
                .wait_end(self.request.user_id, self.request.id)
                .await;
            if let Err(error) = ended {
                // The place in the line ends by itself at `gives_up_at`.
                tracing::warn!(%error, "a waiter could not be taken out of the line");
            }
        }
        decision
    }
}

fn chrono_of(duration: Duration) -> chrono::Duration {
    chrono::Duration::from_std(duration).unwrap_or(chrono::Duration::MAX)
}
