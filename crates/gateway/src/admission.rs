//! From a request's bounds to a held amount, a refusal, or a place in the line: waiting holds nothing.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use model::{
    Micros, ReservationId, WaiterId,
    admission::{PATIENCE_OF_THE_HEAD, Patience},
    caps::CapScope,
    spend::{
        Account, CredentialKind, LimitKey, NotBounded, ReserveOutcome, ReserveRequest, SpendState,
        WaitEnd,
    },
};
use store::StoreError;
use tokio::time::Instant;

use crate::{
    gateway::Inner,
    headers,
    held::{Bill, Held},
    lease::Lease,
    ledger::ReserveFailure,
    pipeline::{Job, Reply},
    queue::Ticket,
    settle::{Closing, jitter},
    telemetry,
    worst_case::Bounds,
};

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
    /// It is not known which caps this subscription has.
    CapsUnknown(CapScope),
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
    /// The lease that was asked under.
    lease: Arc<Lease>,
    deadline: Instant,
    waiting: Option<Waiting>,
}

struct Waiting {
    since: Instant,
    /// Every limit that it ever waited at.
    limits: BTreeSet<LimitKey>,
    _counted: telemetry::Waiting,
}

/// Reserves the worst case of a request, waiting its turn where only open reservations stand in the way.
pub(crate) async fn admit(
    inner: &Inner,
    job: &Job,
    bounds: &Bounds,
    waiter: WaiterId,
    reply: &mut Reply,
) -> Decision {
    let lease = match inner.leases.current().await {
        Ok(lease) => lease,
        Err(error) => return Decision::Failed(error),
    };
    let wait = inner.config.admission_wait;
    let request = ReserveRequest {
        waiter,
        lease_id: lease.id,
        user_id: job.entry.user_id,
        api_key_id: job.entry.api_key_id.clone(),
        provider_id: job.entry.provider.id,
        provider_name: job.entry.provider.name.to_string(),
        model: job.facts.model.clone(),
        client: headers::client(&job.headers).map(str::to_owned),
        credential_kind: CredentialKind::Centralized,
        input_bound_tokens: bounds.input_tokens,
        worst_case: bounds.worst_case,
        prices: bounds.prices.clone(),
        patience: Patience::Arrived,
        waiting_since: None,
        gives_up_at: inner.clock.now() + chrono_of(wait),
    };
    let admission = Admission {
        inner,
        ticket: inner.queue.join(job.entry.user_id),
        request,
        lease,
        deadline: Instant::now() + wait,
        waiting: None,
    };
    admission.run(job, bounds, reply).await
}

impl Admission<'_> {
    async fn run(mut self, job: &Job, bounds: &Bounds, reply: &mut Reply) -> Decision {
        let mut own_accord = false;
        loop {
            if let Some(over) = self.over(reply) {
                return self.end(over).await;
            }
            self.ticket.begin_look(own_accord);
            match self.ask().await {
                Ok(ReserveOutcome::Admitted {
                    id,
                    account,
                    hold,
                    cap,
                    lowered,
                    state: _,
                }) => {
                    let waited = self.waiting.is_some();
                    let held = self.held((id, account), job, bounds, (hold, cap));
                    return Decision::Admitted {
                        held,
                        cap,
                        lowered,
                        waited,
                    };
                }
                Ok(ReserveOutcome::Wait { limits, state }) => {
                    if self.request.patience == Patience::Expired || !self.wait(&limits, &state) {
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
                Ok(ReserveOutcome::CapsUnknown(scope)) => {
                    return self.end(Decision::CapsUnknown(scope)).await;
                }
                Err(failure) => return self.failed(failure),
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

    /// Whether there is no use in asking any more.
    fn over(&self, reply: &Reply) -> Option<Decision> {
        if reply.is_closed() {
            Some(Decision::Left)
        } else if self.inner.stop.is_cancelled() {
            Some(Decision::Stopping)
        } else {
            None
        }
    }

    /// Asks the ledger once.
    async fn ask(&mut self) -> Result<ReserveOutcome, ReserveFailure> {
        // A wait may outlive the lease that it began under.
        self.lease = self.inner.leases.current().await?;
        self.request.lease_id = self.lease.id;
        let asked = Instant::now();
        let outcome = self.inner.ledger.reserve(&self.request).await;
        telemetry::reserved(asked.elapsed());
        outcome
    }

    /// The reservation that was made.
    fn held(
        self,
        (id, account): (ReservationId, Account),
        job: &Job,
        bounds: &Bounds,
        (hold, cap): (Micros, Option<u64>),
    ) -> Box<Held> {
        // Without a cap that was set, only the client's own bounds the output.
        let most = cap.or(job.facts.client_cap);
        let bill = Bill {
            id,
            account,
            price: job.price.clone(),
            unpriced: job.unpriced(),
            input_tokens: bounds.input_tokens,
            output_tokens: most.map_or(u64::MAX, |most| bounds.output_tokens(&job.facts, most)),
            web_searches: bounds.web_searches,
            ceiling: cap.map(|_| hold),
        };
        Box::new(Held::new(self.inner.settler.clone(), self.lease, bill))
    }

    /// The ledger failed. What may be held all the same is given back.
    fn failed(self, failure: ReserveFailure) -> Decision {
        if let Some(release) = failure.unsure {
            // The task runs on by itself.
            drop(self.inner.settler.close(Closing::Undo(release), self.lease));
        }
        Decision::Failed(failure.error)
    }

    /// Takes note of having been told to wait at these limits; `false` when as many wait as may.
    fn wait(&mut self, limits: &[LimitKey], state: &SpendState) -> bool {
        let now = Instant::now();
        let since = self.request.waiting_since.unwrap_or(state.now);
        if self
            .ticket
            .wait(since, self.request.waiter, limits)
            .is_err()
        {
            // Its place in the ledger's lines is given back with the others that it had.
            self.waiting_at(limits, now);
            return false;
        }
        if self.request.waiting_since.is_none() {
            // By the database's clock, which all servers share.
            let left = self.deadline.saturating_duration_since(now);
            self.request.waiting_since = Some(since);
            self.request.gives_up_at = state.now + chrono_of(left);
        }
        let waited = self.waiting_at(limits, now).elapsed();
        // As long as the ledger lets it be passed by smaller requests, others look next.
        if chrono_of(waited) < PATIENCE_OF_THE_HEAD {
            self.ticket.hand_on();
        } else {
            self.ticket.keep_call();
        }
        true
    }

    /// Notes where it waits; since when.
    fn waiting_at(&mut self, limits: &[LimitKey], now: Instant) -> Instant {
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            since: now,
            limits: BTreeSet::new(),
            _counted: telemetry::waiting(),
        });
        waiting.limits.extend(limits);
        waiting.since
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
        if let Some(waiting) = self.waiting {
            let end = WaitEnd {
                user_id: self.request.user_id,
                waiter: self.request.waiter,
                limits: waiting.limits.into_iter().collect(),
            };
            if let Err(error) = self.inner.ledger.wait_end(end).await {
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
