//! The way of a request that costs: admitted, forwarded, answered, settled. It runs in a task of its own, so
//! that a client that leaves ends nothing half-way.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use model::{
    WaiterId,
    caps::CapScope,
    prices::ModelPrice,
    spend::{LimitKind, NotBounded, SpendState},
};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    access::{Denial, Entry},
    admission::{self, Decision},
    ask,
    drain::Drain,
    gateway::Inner,
    headers,
    held::Held,
    plain,
    refusals::{self, Standing},
    settle::source_text,
    stored_responses::Keeper,
    stream::{self, Relay},
    telemetry::{self, Outcome, Unpriced},
    upstream::{Endpoint, SendError, endpoint_url},
    wire::{Change, Dialect, ErrorKind, Fee, Metered, RequestFacts, rewrite},
    worst_case,
};

/// Tells a client that its output cap was lowered, and to how many tokens per choice.
const OUTPUT_CAP: HeaderName = HeaderName::from_static("x-bursar-output-cap");

/// Where the answer goes. It is closed when the client leaves before the answer's head.
pub(crate) type Reply = oneshot::Sender<Response>;

/// A request that costs, as far as it is known before admission. Not `Debug`: its headers hold the caller's token.
pub(crate) struct Job {
    /// The caller and the provider.
    pub(crate) entry: Entry,
    /// What is asked of the provider.
    pub(crate) endpoint: Endpoint,
    /// What decides the cost.
    pub(crate) facts: RequestFacts,
    /// The price of the model at this instant.
    pub(crate) price: Option<ModelPrice>,
    /// The client's headers.
    pub(crate) headers: HeaderMap,
    /// The client's query.
    pub(crate) query: Option<String>,
    /// The client's body.
    pub(crate) body: Bytes,
}

impl Job {
    pub(crate) const fn dialect(&self) -> Dialect {
        self.endpoint.dialect(self.entry.provider.kind)
    }

    /// The model, if it has no price.
    pub(crate) fn unpriced(&self) -> Option<Unpriced> {
        self.price
            .is_none()
            .then(|| Unpriced::new(&self.entry.provider, &self.facts.model))
    }

    /// Whether the usage of the stream is asked for on the gateway's behalf only.
    const fn hides_usage(&self) -> bool {
        self.facts.stream
            && !self.facts.wants_usage
            && matches!(self.dialect(), Dialect::OpenAiChat)
    }
}

/// The one answer that a request gets.
#[derive(Debug)]
pub(crate) struct Finish {
    /// The language to answer in.
    pub(crate) dialect: Dialect,
    /// The request's id, for the error envelope that has a place for it.
    pub(crate) request_id: Option<uuid::Uuid>,
    /// Where the answer goes.
    pub(crate) reply: Reply,
}

impl Finish {
    /// Answers; `false` when the client has left.
    pub(crate) fn answer(self, outcome: Outcome, response: Response) -> bool {
        telemetry::request(self.dialect, outcome, response.status().as_u16());
        self.reply.send(response).is_ok()
    }

    /// Answers with an error of the gateway's own.
    pub(crate) fn error(self, outcome: Outcome, kind: ErrorKind, message: &str) {
        let response = refusals::error(self.dialect, kind, message, self.request_id);
        // A client that has left needs no answer.
        self.answer(outcome, response);
    }

    /// Answers that the house failed.
    fn internal(self, cause: &(dyn std::error::Error + 'static)) {
        let response = refusals::internal(self.dialect, cause, self.request_id);
        self.answer(Outcome::Failed, response);
    }

    /// Answers that the server ends.
    fn stopping(self) {
        self.error(
            Outcome::Failed,
            ErrorKind::Unavailable,
            "the server is shutting down; try again",
        );
    }

    /// Answers that it is not known which caps hold. Whoever keeps the deployment must see to it.
    fn caps_unknown(self, scope: CapScope) {
        telemetry::caps_unknown(scope);
        tracing::warn!(
            scope = %scope.id(), request_id = ?self.request_id,
            "a request was turned away: its caps have not been read for too long"
        );
        let text = refusals::caps_unknown(scope);
        self.error(Outcome::Failed, ErrorKind::CapsUnavailable, &text);
    }

    /// There is nobody to answer.
    fn left(self) {
        telemetry::request(self.dialect, Outcome::Left, 499);
    }

    /// Answers that the provider failed.
    pub(crate) fn upstream_failed(self, message: &str) {
        self.error(Outcome::UpstreamFailed, ErrorKind::UpstreamFailed, message);
    }
}

/// Runs a request to its end.
pub(crate) async fn run(inner: Arc<Inner>, job: Job, mut reply: Reply) {
    let id = WaiterId(inner.ids.next());
    let default_cap = inner.config.default_output_cap;
    let bounds = worst_case::bounds(
        &job.facts,
        job.price.as_ref(),
        default_cap,
        headers::long_context(&job.headers),
    );
    let asked = Instant::now();
    let decision = Box::pin(admission::admit(&inner, &job, &bounds, id, &mut reply)).await;
    telemetry::enforced(&decision, asked.elapsed());
    let finish = Finish {
        dialect: job.dialect(),
        request_id: job.entry.request_id,
        reply,
    };
    match decision {
        Decision::Admitted {
            held,
            cap,
            lowered,
            waited,
        } => {
            // Who waited holds nothing but a key that was good when the wait began.
            let present = if waited {
                job.entry.presence.confirm().await
            } else {
                Ok(())
            };
            match present {
                Ok(()) => Box::pin(forward(&inner, &job, held, (cap, lowered), finish)).await,
                Err(denial) => turn_away(&inner, held, &denial, finish).await,
            }
        }
        Decision::Left => finish.left(),
        Decision::Stopping => finish.stopping(),
        Decision::Failed(error) => finish.internal(&error),
        Decision::CapsUnknown(scope) => finish.caps_unknown(scope),
        Decision::Refused(state) => {
            let text = standing(&job, &state).await.refused();
            finish.error(Outcome::Refused, ErrorKind::OverBudget, &text);
        }
        Decision::RetryLater(state) => {
            let text = standing(&job, &state).await.retry_later();
            finish.error(Outcome::RetryLater, ErrorKind::RetryLater, &text);
        }
        Decision::NotBounded(why, state) => {
            let what: Vec<String> = job.facts.fees.iter().filter_map(other_fee).collect();
            let standing = standing(&job, &state).await;
            let text = standing.not_bounded(why, &job.facts.model, &what);
            let kind = match why {
                NotBounded::Unpriced => ErrorKind::ModelUnpriced,
                NotBounded::Input | NotBounded::Fee => ErrorKind::OverBudget,
            };
            finish.error(Outcome::Refused, kind, &text);
        }
    }
}

async fn standing<'a>(job: &Job, state: &'a SpendState) -> Standing<'a> {
    let group = match state.blocked_by {
        Some(LimitKind::Pool) => state.pool.map(|pool| pool.group_id),
        Some(LimitKind::User) | None => state.budget.map(|budget| budget.group_id),
        Some(LimitKind::UserCap | LimitKind::Subscription) => None,
    };
    let group = match group {
        Some(group) => job.entry.names.group_name(group).await,
        None => None,
    };
    Standing { state, group }
}

fn other_fee(fee: &Fee) -> Option<String> {
    match fee {
        Fee::Other { what } => Some(what.clone()),
        Fee::WebSearch { .. } => None,
    }
}

/// Ends a request whose caller lost access while it waited: nothing was asked of the provider, so nothing is owed.
async fn turn_away(inner: &Inner, mut held: Box<Held>, denial: &Denial, finish: Finish) {
    inner.patiently(held.release()).await;
    match denial {
        Denial::Failed(cause) => finish.internal(cause),
        refused => {
            let (kind, text) = refusals::ended_words(refused);
            finish.error(Outcome::Refused, kind, &text);
        }
    }
}

/// Forwards an admitted request and sees it to its end.
async fn forward(
    inner: &Arc<Inner>,
    job: &Job,
    mut held: Box<Held>,
    (cap, lowered): (Option<u64>, bool),
    mut finish: Finish,
) {
    let provider = &job.entry.provider;
    if inner.stop.is_cancelled() || finish.reply.is_closed() {
        drop(held.release());
        if finish.reply.is_closed() {
            finish.left();
        } else {
            finish.stopping();
        }
        return;
    }
    let change = Change {
        cap,
        include_usage: job.hides_usage(),
    };
    let body = match rewrite(&job.body, &change, job.dialect(), provider.kind) {
        Ok(body) => body,
        Err(error) => {
            drop(held.release());
            return finish.error(Outcome::Invalid, ErrorKind::BadRequest, &error.to_string());
        }
    };
    let mut headers = match headers::to_provider(&job.headers, provider.kind, &job.entry.key) {
        Ok(headers) => headers,
        Err(error) => {
            drop(held.release());
            return finish.internal(&error);
        }
    };
    headers
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    let url = endpoint_url(provider, job.endpoint, job.query.as_deref());
    let mut drain = Drain::new(inner.config.drain_timeout, inner.stop.clone());
    held.written();
    let send = Box::pin(inner.upstream.send(Method::POST, url, headers, body));
    let most = inner.config.header_timeout;
    let sent = drain.over(most, send, finish.reply.closed()).await;
    let response = match sent.unwrap_or(Err(SendError::TimedOut)) {
        Ok(response) => response,
        Err(error) => return not_answered(inner, &mut held, &error, finish).await,
    };
    let mut headers = headers::to_client(response.headers(), &job.entry.key);
    if let (true, Some(cap)) = (lowered, cap) {
        headers.insert(OUTPUT_CAP, HeaderValue::from(cap));
    }
    let relay = Relay {
        held,
        drain,
        keeper: Keeper::of(job),
        hide_usage: job.hides_usage(),
    };
    if response.status().is_success() {
        answer(inner, job, relay, response, headers, finish).await;
    } else {
        provider_error(inner, job, relay, response, headers, finish).await;
    }
}

/// The provider answered: as a stream or in one piece, whichever came.
async fn answer(
    inner: &Arc<Inner>,
    job: &Job,
    relay: Relay,
    response: reqwest::Response,
    headers: HeaderMap,
    finish: Finish,
) {
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes);
    let is = |expected: &[u8]| {
        kind.and_then(|kind| kind.get(..expected.len()))
            .is_some_and(|start| start.eq_ignore_ascii_case(expected))
    };
    // What was to be streamed is not held back because its type is missing or wrong.
    let streamed = is(b"text/event-stream") || (job.facts.stream && !is(b"application/json"));
    let head = (response.status(), headers);
    if streamed {
        stream::relay(inner, relay, response, head, finish).await;
    } else {
        plain::relay(inner, relay, response, &job.entry.key, head, finish).await;
    }
}

/// The provider answered with an error: it costs nothing and passes through unchanged.
async fn provider_error(
    inner: &Inner,
    job: &Job,
    relay: Relay,
    mut response: reqwest::Response,
    client_headers: HeaderMap,
    mut finish: Finish,
) {
    let Relay {
        mut held,
        mut drain,
        ..
    } = relay;
    let status = response.status();
    let closing = held.release();
    if !status.is_client_error() && !status.is_server_error() {
        inner.patiently(closing).await;
        return finish
            .upstream_failed("the provider answered with a redirect, which is not followed");
    }
    let body = plain::collect(inner, &mut response, &mut drain, &mut finish.reply).await;
    inner.patiently(closing).await;
    match body {
        Ok(body) => {
            let body = headers::without_key(body, &job.entry.key);
            let answer = plain::whole(status, client_headers, body);
            finish.answer(Outcome::ProviderError, ask::of_provider(answer, None));
        }
        Err(_incomplete) => finish.upstream_failed("the provider's answer broke off"),
    }
}

/// No answer came. What may have been written is charged with what is known: the input bound.
async fn not_answered(inner: &Inner, held: &mut Held, error: &SendError, finish: Finish) {
    tracing::warn!(error = source_text(error), reservation = %held.bill.id, "no answer from the provider");
    let closing = match error {
        SendError::NotWritten(_) => held.release(),
        SendError::MaybeWritten(_) | SendError::TimedOut => held.settle(&Metered::default()),
    };
    inner.patiently(closing).await;
    let kind = match error {
        SendError::TimedOut => ErrorKind::UpstreamTimeout,
        SendError::NotWritten(_) | SendError::MaybeWritten(_) => ErrorKind::UpstreamFailed,
    };
    finish.error(Outcome::UpstreamFailed, kind, &error.to_string());
}
