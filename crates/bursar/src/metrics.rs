//! The process's metrics: the one recorder, and the figures that nobody's request moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use dbauthz::SystemStore;
use metrics::{describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use model::GroupId;
use store::StoreResult;
use tokio_util::sync::CancellationToken;

const BLOCKED_USERS: &str = "bursar_cost_control_blocked_users";

/// How often it is counted whom a limit blocks.
const COUNT: Duration = Duration::from_secs(5 * 60);
/// How often the recorder tidies up its histograms.
const UPKEEP: Duration = Duration::from_secs(5);

/// The bounds of the buckets of histograms that have none of their own, in seconds.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The process's one metrics recorder: several servers in a process, as in tests, share it.
pub(crate) fn recorder() -> anyhow::Result<PrometheusHandle> {
    static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut slot = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*slot {
        return Ok(handle.clone());
    }
    let handle = builder()?.install_recorder()?;
    describe_gauge!(
        BLOCKED_USERS,
        "People whom a limit keeps from spending anything, by the group that they would be charged to."
    );
    *slot = Some(handle.clone());
    Ok(handle)
}

fn builder() -> anyhow::Result<PrometheusBuilder> {
    let mut builder = PrometheusBuilder::new().set_buckets(SECONDS)?;
    for (name, bounds) in gateway::BUCKETS {
        builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds)?;
    }
    Ok(builder)
}

/// Keeps the recorder from growing while nobody scrapes it.
pub(crate) async fn keep_tidy(stopping: CancellationToken) {
    while let Ok(handle) = recorder() {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(UPKEEP) => handle.run_upkeep(),
        }
    }
}

/// Counts whom limits block, at once and then every five minutes.
pub(crate) async fn count_blocked(store: SystemStore, stopping: CancellationToken) {
    let mut blocked = BlockedUsers::default();
    let mut pause = tokio::time::interval(COUNT);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = pause.tick() => {}
        }
        let counted = stopping.run_until_cancelled(count(&store)).await;
        match counted {
            Some(Ok(found)) => blocked.show(&found),
            // What was counted before stays.
            Some(Err(error)) => {
                tracing::warn!(%error, "whom limits block could not be counted");
            }
            None => return,
        }
    }
}

async fn count(store: &SystemStore) -> StoreResult<BTreeMap<GroupId, u64>> {
    store.read().await?.ledger().spend_blocked_count().await
}

/// The groups that are shown.
#[derive(Debug, Default)]
struct BlockedUsers {
    shown: BTreeSet<GroupId>,
}

impl BlockedUsers {
    /// Shows what was counted. A group without anybody goes back to zero once.
    fn show(&mut self, found: &BTreeMap<GroupId, u64>) {
        let now: BTreeSet<GroupId> = found.keys().copied().collect();
        for group in self.shown.difference(&now) {
            gauge!(BLOCKED_USERS, "group_id" => group.to_string()).set(0.0);
        }
        for (group, people) in found {
            let people = u32::try_from(*people).unwrap_or(u32::MAX);
            gauge!(BLOCKED_USERS, "group_id" => group.to_string()).set(people);
        }
        self.shown = now;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn who_is_blocked_no_more_is_shown_no_more() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        let mut blocked = BlockedUsers::default();
        let group = |id: u128| GroupId(Uuid::from_u128(id));
        let mut check = |found: &[(u128, u64)], expected: &[(u128, u64)]| {
            let found = found.iter().map(|(id, people)| (group(*id), *people));
            metrics::with_local_recorder(&recorder, || blocked.show(&found.collect()));
            let text = handle.render();
            for (id, people) in expected {
                let line = format!("{BLOCKED_USERS}{{group_id=\"{}\"}} {people}", group(*id));
                assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
            }
        };
        check(&[(1, 3), (2, 1)], &[(1, 3), (2, 1)]);
        check(&[(2, 2), (3, 1)], &[(1, 0), (2, 2), (3, 1)]);
        check(&[], &[(1, 0), (2, 0), (3, 0)]);
    }

    #[test]
    fn histograms_have_the_buckets_that_dashboards_ask_for() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let name = "bursar_cost_control_enforcement_duration_seconds";
            metrics::histogram!(name, "outcome" => "allowed").record(0.02);
            metrics::histogram!("bursar_ledger_batch_size").record(3.0);
            metrics::histogram!("bursar_http_request_duration_seconds").record(3.0);
        });
        let text = handle.render();
        let bounds = |name: &str| -> Vec<String> {
            let lines = text
                .lines()
                .filter(|line| line.starts_with(&format!("{name}_bucket")));
            let bound = |line: &str| {
                line.split("le=\"")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .to_owned()
            };
            lines.map(bound).collect()
        };
        let enforcement = [
            "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf",
        ];
        assert_eq!(
            bounds("bursar_cost_control_enforcement_duration_seconds"),
            enforcement
        );
        let batch = ["1", "2", "4", "8", "16", "32", "64", "128", "256", "+Inf"];
        assert_eq!(bounds("bursar_ledger_batch_size"), batch);
        assert_eq!(
            bounds("bursar_http_request_duration_seconds").len(),
            SECONDS.len() + 1
        );
        assert!(!text.contains("quantile"), "{text}");
    }
}
