//! The gateway's metrics: their names, their meaning and the one place that raises them.

mod unpriced;

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use model::{GroupId, caps::CapScope};

use self::unpriced::UNPRICED;
pub(crate) use self::unpriced::Unpriced;
use crate::{admission::Decision, wire::Dialect};

const REQUESTS: &str = "bursar_gateway_requests_total";
const RESERVE: &str = "bursar_gateway_reservation_seconds";
const BATCH_SIZE: &str = "bursar_ledger_batch_size";
const BATCH: &str = "bursar_ledger_batch_seconds";
const WAITERS: &str = "bursar_gateway_waiters";
const BLOCKED: &str = "bursar_cost_control_blocked_requests_total";
const ENFORCEMENT: &str = "bursar_cost_control_enforcement_duration_seconds";
const CAPS_UNKNOWN: &str = "bursar_cost_control_caps_unknown_requests_total";
const OVER_REPORTS: &str = "bursar_gateway_over_reports_total";
const OVER_REPORT_MICROS: &str = "bursar_gateway_over_report_micros_total";
const ESTIMATED: &str = "bursar_gateway_estimated_settlements_total";
const RETRIES: &str = "bursar_gateway_settle_retries_total";
const ABANDONED: &str = "bursar_gateway_abandoned_settlements_total";
const TURNED_AWAY: &str = "bursar_gateway_turned_away_total";
const SWEPT: &str = "bursar_gateway_swept_users_total";

/// The bounds of the buckets of this crate's histograms: of seconds, and of steps of a batch.
pub const BUCKETS: &[(&str, &[f64])] = &[
    (
        ENFORCEMENT,
        &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0],
    ),
    (
        RESERVE,
        &[
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
        ],
    ),
    (
        BATCH,
        &[
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
        ],
    ),
    (
        BATCH_SIZE,
        &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0],
    ),
];

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
    describe_counter!(
        BLOCKED,
        "Requests that a limit turned away, by the group that they would have been charged to."
    );
    describe_histogram!(
        ENFORCEMENT,
        Unit::Seconds,
        "Time until the limits had decided about a request, waiting included, by outcome."
    );
    describe_counter!(
        UNPRICED,
        "Usage of models without a price, by provider, its type and model."
    );
    describe_counter!(
        CAPS_UNKNOWN,
        "Requests turned away because the caps that apply had not been read for too long, by whose they are."
    );
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

/// Records what the limits decided about a request and how long that took. Nothing was decided about one whose
/// client left or that the end of the server came before.
pub(crate) fn enforced(decision: &Decision, took: Duration) {
    let outcome = match decision {
        Decision::Admitted { .. } => "allowed",
        Decision::Refused(state) | Decision::RetryLater(state) | Decision::NotBounded(_, state) => {
            counter!(BLOCKED, "group_id" => group_label(state.group_id)).increment(1);
            "blocked"
        }
        Decision::Failed(_) | Decision::CapsUnknown(_) => "error",
        Decision::Left | Decision::Stopping => return,
    };
    histogram!(ENFORCEMENT, "outcome" => outcome).record(took.as_secs_f64());
}

/// Counts a request of which it was not known which caps hold.
pub(crate) fn caps_unknown(scope: CapScope) {
    let of = match scope {
        CapScope::Instance => "instance",
        CapScope::Organization(_) => "organization",
    };
    counter!(CAPS_UNKNOWN, "scope" => of).increment(1);
}

/// A group as a label: its id, since names change and are unique in their organization only.
fn group_label(group: Option<GroupId>) -> String {
    group.map_or_else(|| "none".to_owned(), |group| group.to_string())
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use model::{
        Micros, OrganizationId,
        spend::{NotBounded, Period, SpendState},
    };
    use store::StoreError;
    use uuid::Uuid;

    use super::*;

    /// What a scrape shows after this work.
    fn shown(work: impl FnOnce()) -> String {
        let mut builder = PrometheusBuilder::new();
        for (name, bounds) in BUCKETS {
            let name = metrics_exporter_prometheus::Matcher::Full((*name).to_owned());
            builder = builder.set_buckets_for_metric(name, bounds).unwrap();
        }
        let recorder = builder.build_recorder();
        metrics::with_local_recorder(&recorder, work);
        recorder.handle().render()
    }

    fn state(group: u128) -> SpendState {
        let now = DateTime::UNIX_EPOCH;
        SpendState {
            budget: None,
            group_id: Some(GroupId(Uuid::from_u128(group))),
            organization_id: None,
            spent: Micros::ZERO,
            reserved: Micros::ZERO,
            period: Period {
                start: now,
                end: now,
            },
            now,
            pool: None,
            caps: [None; 4],
            blocked_by: None,
            blocked_scope: None,
        }
    }

    #[test]
    fn every_decision_is_observed_once_and_blocks_are_counted_by_group() {
        let text = shown(|| {
            let decisions = [
                Decision::Refused(state(1)),
                Decision::Refused(state(1)),
                Decision::RetryLater(state(2)),
                Decision::NotBounded(NotBounded::Unpriced, state(2)),
                Decision::Failed(StoreError::NotFound),
                Decision::CapsUnknown(CapScope::Instance),
                Decision::Left,
                Decision::Stopping,
            ];
            for decision in &decisions {
                enforced(decision, Duration::from_millis(7));
            }
        });
        let group = |id: u128| format!("{BLOCKED}{{group_id=\"{}\"}}", Uuid::from_u128(id));
        for line in [
            format!("{} 2", group(1)),
            format!("{} 2", group(2)),
            format!("{ENFORCEMENT}_bucket{{outcome=\"blocked\",le=\"0.005\"}} 0"),
            format!("{ENFORCEMENT}_bucket{{outcome=\"blocked\",le=\"0.01\"}} 4"),
            format!("{ENFORCEMENT}_bucket{{outcome=\"blocked\",le=\"1\"}} 4"),
            format!("{ENFORCEMENT}_count{{outcome=\"blocked\"}} 4"),
            format!("{ENFORCEMENT}_count{{outcome=\"error\"}} 2"),
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
        }
        assert_eq!(text.matches("_count{").count(), 2, "{text}");
    }

    #[test]
    fn what_finds_no_caps_is_counted_by_whose_they_are() {
        let organization = OrganizationId(Uuid::from_u128(1));
        let text = shown(|| {
            caps_unknown(CapScope::Instance);
            caps_unknown(CapScope::Organization(organization));
            caps_unknown(CapScope::Organization(organization));
        });
        for (scope, count) in [("instance", 1), ("organization", 2)] {
            let line = format!("{CAPS_UNKNOWN}{{scope=\"{scope}\"}} {count}");
            assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
        }
    }
}
