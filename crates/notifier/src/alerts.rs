//! Tells people of thresholds that spend has come to: looks at the limits that the ledger, or a change of a limit,
//! has noted, and writes who must know into their inboxes.
//!
//! Any number of servers run it. One of them looks at a time; what one leaves half-done is as if it had not begun.

use std::time::Duration;

use dbauthz::{Authorized, SystemActor, SystemStore};
use model::alerts::AlertPass;
use store::StoreResult;
use tokio_util::sync::CancellationToken;

/// How long to wait between looks: what a settlement brings about is in the inbox soon after.
const EVERY: Duration = Duration::from_secs(1);
/// How long to wait at most while the database is away; doubled up to that each time.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// How many limits are looked at in one transaction.
const LIMITS: u32 = 500;
/// How many transactions follow each other without a pause.
const PASSES: u32 = 100;
/// Every so many looks old messages are removed: about each hour.
const PRUNE_EVERY: u32 = 3600;
/// How many old messages are removed in one transaction.
const PRUNED: u32 = 5_000;

const ALERTS: &str = "bursar_alerts_total";
const NOTICES: &str = "bursar_alert_notices_total";

/// Looks until it is told to stop.
pub(crate) async fn run(authorized: Authorized, stopping: CancellationToken) {
    metrics::describe_counter!(ALERTS, "Thresholds of limits that were told of.");
    metrics::describe_counter!(NOTICES, "Messages about thresholds that were written.");
    let store = authorized.as_system(SystemActor::Alerts);
    let mut looks: u32 = 0;
    let mut pause = EVERY;
    while stopping
        .run_until_cancelled(tokio::time::sleep(pause))
        .await
        .is_some()
    {
        pause = match look(&store, looks, &stopping).await {
            Ok(()) => {
                looks = looks.wrapping_add(1) % PRUNE_EVERY;
                EVERY
            }
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(error, "limits could not be looked at: it is tried again");
                (pause * 2).min(LONGEST_BACKOFF)
            }
        };
    }
}

async fn look(store: &SystemStore, looks: u32, stopping: &CancellationToken) -> StoreResult<()> {
    for _ in 0..PASSES {
        if stopping.is_cancelled() || !store.read().await?.alerts().alerts_due().await? {
            break;
        }
        let pass = pass(store).await?;
        if pass == AlertPass::default() {
            break; // Another server looks.
        }
        if pass.alerts > 0 {
            let AlertPass {
                alerts, notices, ..
            } = pass;
            tracing::info!(alerts, notices, "spend has come to thresholds");
        }
    }
    if looks == 0 && !stopping.is_cancelled() {
        prune(store).await?;
    }
    Ok(())
}

async fn pass(store: &SystemStore) -> StoreResult<AlertPass> {
    let mut unit = store.begin().await?;
    let pass = unit.alerts().alerts_evaluate(LIMITS).await?;
    unit.commit().await?;
    metrics::counter!(ALERTS).increment(pass.alerts);
    metrics::counter!(NOTICES).increment(pass.notices);
    Ok(pass)
}

async fn prune(store: &SystemStore) -> StoreResult<()> {
    for _ in 0..PASSES {
        let mut unit = store.begin().await?;
        let removed = unit.notifications().notification_prune(PRUNED).await?;
        unit.commit().await?;
        if removed < u64::from(PRUNED) {
            break;
        }
    }
    Ok(())
}
