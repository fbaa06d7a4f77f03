//! The refresh task: reads what is due, a few subscriptions at once, on whichever server comes first.

use std::{sync::Arc, time::Duration};

use model::caps::CapMirrorClaim;
use store::StoreResult;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{PortalCaps, desk::Desk};

/// How often it is looked for what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many subscriptions are read at once.
const AT_ONCE: usize = 4;

/// Begins to keep the mirror fresh, until the token is cancelled. Every server does; each subscription is read by one. What
/// is being read then is left to another server.
pub fn keep(caps: &PortalCaps, stopping: CancellationToken) -> JoinHandle<()> {
    let desk = Arc::clone(&caps.desk);
    tokio::spawn(async move {
        stopping.run_until_cancelled(run(&desk)).await;
    })
}

async fn run(desk: &Arc<Desk>) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reading = JoinSet::new();
    let mut kept_from = false;
    loop {
        // Whoever has ended makes room at once: what is due may be more than is read at a time.
        tokio::select! {
            _ = look.tick() => {}
            Some(_ended) = reading.join_next() => {}
        }
        let free = AT_ONCE.saturating_sub(reading.len());
        let Some(limit) = u32::try_from(free).ok().filter(|free| *free > 0) else {
            continue;
        };
        let claimed = desk.claim(limit).await;
        noted(&claimed, &mut kept_from);
        for claim in claimed.unwrap_or_default() {
            // One that is being read for so long that it is due again takes no more room for that.
            if let Some((flight, true)) = desk.flight(claim.scope, Some(claim), None) {
                reading.spawn(flight);
            }
        }
    }
}

/// Tells when the store keeps it from its work, and when it does so no more.
fn noted(claimed: &StoreResult<Vec<CapMirrorClaim>>, kept_from: &mut bool) {
    match claimed {
        Ok(_) if *kept_from => tracing::info!("the portal's caps are looked after again"),
        Ok(_) => {}
        Err(error) if !*kept_from => {
            let error: &dyn std::error::Error = error;
            tracing::warn!(
                error,
                "it is not known which of the portal's caps are due to be read"
            );
        }
        Err(_) => {}
    }
    *kept_from = claimed.is_err();
}
