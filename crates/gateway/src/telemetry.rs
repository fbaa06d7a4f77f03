//! The gateway's metrics: their names, their meaning and the one place that raises them.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::wire::Dialect;

const REQUESTS: &str = "bursar_gateway_requests_total";
const RESERVE: &str = "bursar_gateway_reservation_seconds";
const BATCH_SIZE: &str = "bursar_ledger_batch_size";
const BATCH: &str = "bursar_ledger_batch_seconds";
const WAITERS: &str = "bursar_gateway_waiters";
const UNPRICED: &str = "bursar_gateway_unpriced_total";
const OVER_REPORTS: &str = "bursar_gateway_over_reports_total";
const OVER_REPORT_MICROS: &str = "bursar_gateway_over_report_micros_total";
const ESTIMATED: &str = "bursar_gateway_estimated_settlements_total";
const RETRIES: &str = "bursar_gateway_settle_retries_total";
const ABANDONED: &str = "bursar_gateway_abandoned_settlements_total";
const TURNED_AWAY: &str = "bursar_gateway_turned_away_total";
const SWEPT: &str = "bursar_gateway_swept_users_total";

/// Tells the recorder what the figures mean. Called once, at start.
pub(crate) fn describe() {
    describe_counter!(
        REQUESTS,
        "Requests that could cost something, by dialect, outcome and status."
    );
    describe_histogram!(RESERVE, Unit::Seconds, "Time of one attempt to reserve.");
    describe_histogram!(BATCH_SIZE, "Steps of one batch of the ledger.");
    describe_histogram!(
        BATCH,
        Unit::Seconds,
        "Time of one batch of the ledger, from its connection to its commit."
    );
    describe_gauge!(
        WAITERS,
        "Requests that wait for others under the same limit to settle."
    );
    describe_counter!(UNPRICED, "Settled requests of models without a price.");
    describe_counter!(
        OVER_REPORTS,
        "Settlements above what was held: the provider reported more than foreseen."
    );
    describe_counter!(
        OVER_REPORT_MICROS,
        "By how much settlements passed what was held, in micro-dollars."
    );
    describe_counter!(
        ESTIMATED,
        "Settlements by estimate, because the provider's report never came."
    );
    describe_counter!(
        RETRIES,
        "Settlements and releases that had to be tried again."
    );
    describe_counter!(
        ABANDONED,
        "Settlements given up; a sweep charges their reservations."
    );
    describe_counter!(
        TURNED_AWAY,
        "Answers that ended because the caller's access did, by dialect."
    );
    describe_counter!(
        SWEPT,
        "Persons whose reservations of a lapsed lease were settled by this server."
    );
}

/// How a request ended, for [`request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The provider answered.
    Served,
    /// The provider answered with an error.
    ProviderError,
    /// The provider could not be reached or broke off before it answered.
    UpstreamFailed,
    /// A limit refused it.
    Refused,
    /// It waited and its turn did not come.
    RetryLater,
    /// The request itself was wrong.
    Invalid,
    /// The client left before it was forwarded.
    Left,
    /// The house failed.
    Failed,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::ProviderError => "provider_error",
            Self::UpstreamFailed => "upstream_failed",
            Self::Refused => "refused",
            Self::RetryLater => "retry_later",
            Self::Invalid => "invalid",
            Self::Left => "left",
            Self::Failed => "failed",
        }
    }
}

/// Counts a finished request.
pub(crate) fn request(dialect: Dialect, outcome: Outcome, status: u16) {
    let dialect = name(dialect);
    counter!(REQUESTS, "dialect" => dialect, "outcome" => outcome.as_str(), "status" => status.to_string())
        .increment(1);
}

/// Records how long one attempt to reserve took.
pub(crate) fn reserved(took: Duration) {
    histogram!(RESERVE).record(took.as_secs_f64());
}

/// Records a batch of the ledger.
pub(crate) fn batch(steps: usize, took: Duration) {
    let steps = u32::try_from(steps).unwrap_or(u32::MAX);
    histogram!(BATCH_SIZE).record(steps);
    histogram!(BATCH).record(took.as_secs_f64());
}

/// A request that waits, counted as long as this lives.
#[derive(Debug)]
pub(crate) struct Waiting(());

/// Counts a waiter until the guard is dropped.
pub(crate) fn waiting() -> Waiting {
    gauge!(WAITERS).increment(1.0);
    Waiting(())
}

impl Drop for Waiting {
    fn drop(&mut self) {
        gauge!(WAITERS).decrement(1.0);
    }
}

/// Counts a settled request whose model has no price.
pub(crate) fn unpriced() {
    counter!(UNPRICED).increment(1);
}

/// Counts a settlement above its hold.
pub(crate) fn over_report(by: model::Micros) {
    counter!(OVER_REPORTS).increment(1);
    counter!(OVER_REPORT_MICROS).increment(u64::try_from(by.0).unwrap_or(0));
}

/// Counts a settlement by estimate.
pub(crate) fn estimated() {
    counter!(ESTIMATED).increment(1);
}

/// Counts a settlement that is tried again.
pub(crate) fn settle_retry() {
    counter!(RETRIES).increment(1);
}

/// Counts a settlement that is given up.
pub(crate) fn abandoned() {
    counter!(ABANDONED).increment(1);
}

/// Counts persons whose reservations were swept.
pub(crate) fn swept(users: usize) {
    counter!(SWEPT).increment(u64::try_from(users).unwrap_or(u64::MAX));
}

/// Counts an answer that ended with the caller's access.
pub(crate) fn turned_away(dialect: Dialect) {
    counter!(TURNED_AWAY, "dialect" => name(dialect)).increment(1);
}

const fn name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "openai_chat",
        Dialect::OpenAiResponses => "openai_responses",
        Dialect::AnthropicMessages => "anthropic_messages",
    }
}
