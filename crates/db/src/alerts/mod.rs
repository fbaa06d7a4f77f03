//! Alerts: who must be told that spend has come to a threshold of a limit.
//!
//! A check says that a limit must be looked at. It is removed in the transaction that looks, so that nothing is
//! lost with a server, and the marks of what was told of make sure that nothing is told twice. One server looks at
//! a time. Order of locks: the right to look; the ledger's own lock, shared; counters in the order of their keys;
//! then checks, marks and messages. SQL fetches and stores; `model::alerts` decides.

mod checks;
mod marks;
mod telling;

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool},
};
use diesel_async::AsyncPgConnection;
use model::{
    Micros,
    alerts::{AlertPass, AlertThresholds, evaluate},
    spend::LimitKey,
};
use store::{
    StoreResult,
    alerts::{AlertRead, AlertWrite},
};
use uuid::Uuid;

use crate::{
    budgets::settings,
    query::{Cached, one},
    spend::{Watched, note_from, watch},
    unit::{Unit, Writing},
};
use marks::{Fired, Marks};

/// The advisory lock of the one that looks: "alerts" in ASCII.
const LOCK: i64 = 0x616c_6572_7473;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

#[async_trait]
impl<Mode: Send + Sync> AlertRead for Unit<Mode> {
    async fn alerts_due(&mut self) -> StoreResult<bool> {
        checks::any(self.connection()?).await
    }
}

#[async_trait]
impl AlertWrite for Unit<Writing> {
    async fn alerts_evaluate(&mut self, limit: u32) -> StoreResult<AlertPass> {
        alerts_evaluate(self.connection()?, limit).await
    }
}

async fn alerts_evaluate(conn: &AsyncPgConnection, limit: u32) -> StoreResult<AlertPass> {
    let lock = sql_query("SELECT pg_try_advisory_xact_lock($1) AS answer").bind::<BigInt, _>(LOCK);
    if !one::<_, Answer>(conn, Cached(lock)).await?.answer {
        return Ok(AlertPass::default());
    }
    let due = checks::due(conn, limit).await?;
    if due.rows.is_empty() {
        return Ok(AlertPass::default());
    }
    let mut watch = watch(conn, &due.limits).await?;
    watch.lock(conn).await?;
    checks::remove(conn, &due.rows).await?;
    checks::expand(conn, &due, watch.people_since()?).await?;
    let watched = watch.read(conn).await?;
    let thresholds = settings(conn).await?.alert_thresholds;
    let marks = marks::told(conn, &watched).await?;
    let found = decide(&watched, &thresholds, &marks);
    marks::clear(conn, &found.clear).await?;
    marks::clear_all(conn, watch.gone()).await?;
    note_from(conn, &found.next).await?;
    let (alerts, notices) = telling::tell(conn, &found.fired).await?;
    Ok(AlertPass {
        checks: u64::try_from(due.rows.len()).unwrap_or(u64::MAX),
        alerts,
        notices,
    })
}

/// What becomes of the limits that were looked at.
#[derive(Debug, Default)]
struct Found<'a> {
    fired: Vec<Fired<'a>>,
    clear: Vec<Uuid>,
    next: Vec<((LimitKey, DateTime<Utc>), Micros)>,
}

fn decide<'a>(watched: &'a [Watched], thresholds: &AlertThresholds, marks: &Marks) -> Found<'a> {
    let mut found = Found::default();
    for one in watched {
        let key = (one.key, one.span.start);
        let of = marks.get(&key);
        let told: BTreeSet<u16> = of.into_iter().flatten().map(|mark| mark.0).collect();
        let limit = one.held.map(|held| held.limit);
        let evaluation = evaluate(limit, one.spent, thresholds, &told);
        if let Some(held) = one.held {
            let fired = |threshold| Fired {
                of: one,
                held,
                threshold,
            };
            found.fired.extend(evaluation.fire.into_iter().map(fired));
        }
        let cleared = of.into_iter().flatten();
        let cleared = cleared.filter(|(threshold, _)| evaluation.clear.contains(threshold));
        found.clear.extend(cleared.map(|(_, id)| *id));
        found.next.push((key, evaluation.next_at));
    }
    found
}
