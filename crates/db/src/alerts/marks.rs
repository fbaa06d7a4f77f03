//! Marks: which thresholds were told of.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::spend::{LimitKey, LimitKind};
use store::StoreResult;
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, parse, rows, run},
    spend::{Held, Watched},
};

/// The thresholds that were told of, with the ids of their marks, by limit and start of the period.
pub(super) type Marks = BTreeMap<(LimitKey, DateTime<Utc>), Vec<(u16, Uuid)>>;

/// A threshold that was reached and not told of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fired<'a> {
    pub(super) of: &'a Watched,
    pub(super) held: Held,
    pub(super) threshold: u16,
}

#[derive(QueryableByName)]
struct MarkRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    limit_kind: String,
    #[diesel(sql_type = SqlUuid)]
    limit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    scope_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    period_start: DateTime<Utc>,
    #[diesel(sql_type = Integer)]
    threshold: i32,
}

const TOLD: &str = "\
SELECT a.id, a.limit_kind, a.limit_id, a.scope_id, a.period_start, a.threshold \
FROM unnest($1, $2, $3, $4) AS k (kind, id, scope, start) \
JOIN ai_budget_alerts AS a ON a.limit_id = k.id AND a.period_start = k.start \
    AND a.limit_kind = k.kind AND a.scope_id = k.scope AND a.cleared_at IS NULL";

/// The marks of these limits.
pub(super) async fn told(conn: &AsyncPgConnection, watched: &[Watched]) -> StoreResult<Marks> {
    let kinds: Vec<&str> = watched.iter().map(|one| one.key.kind.as_str()).collect();
    let ids: Vec<Uuid> = watched.iter().map(|one| one.key.id).collect();
    let scopes: Vec<Uuid> = watched.iter().map(|one| one.key.scope).collect();
    let starts: Vec<DateTime<Utc>> = watched.iter().map(|one| one.span.start).collect();
    let query = sql_query(TOLD)
        .bind::<Array<Text>, _>(kinds)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(scopes)
        .bind::<Array<Timestamptz>, _>(starts);
    let found: Vec<MarkRow> = rows(conn, Cached(query)).await?;
    let mut marks = Marks::new();
    for row in found {
        let key = LimitKey {
            kind: parse::<LimitKind>("ai_budget_alerts.limit_kind", &row.limit_kind)?,
            id: row.limit_id,
            scope: row.scope_id,
        };
        let threshold = u16::try_from(row.threshold).map_err(internal)?;
        let of = marks.entry((key, row.period_start)).or_default();
        of.push((threshold, row.id));
    }
    Ok(marks)
}

const CLEAR: &str = "\
UPDATE ai_budget_alerts SET cleared_at = bursar_now() WHERE id = ANY ($1) AND cleared_at IS NULL";

/// Clears marks, so that reaching the threshold again is told again.
pub(super) async fn clear(conn: &AsyncPgConnection, marks: &[Uuid]) -> StoreResult<()> {
    if marks.is_empty() {
        return Ok(());
    }
    let clear = sql_query(CLEAR).bind::<Array<SqlUuid>, _>(marks);
    run(conn, Cached(clear)).await.map(drop)
}

const CLEAR_ALL: &str = "\
UPDATE ai_budget_alerts AS a SET cleared_at = bursar_now() FROM unnest($1, $2, $3) AS k (kind, id, scope) \
WHERE a.limit_id = k.id AND a.limit_kind = k.kind AND a.scope_id = k.scope AND a.cleared_at IS NULL";

/// Clears every mark of limits that are none any more.
pub(super) async fn clear_all(conn: &AsyncPgConnection, gone: &[LimitKey]) -> StoreResult<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let kinds: Vec<&str> = gone.iter().map(|key| key.kind.as_str()).collect();
    let ids: Vec<Uuid> = gone.iter().map(|key| key.id).collect();
    let scopes: Vec<Uuid> = gone.iter().map(|key| key.scope).collect();
    let clear = sql_query(CLEAR_ALL)
        .bind::<Array<Text>, _>(kinds)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(scopes);
    run(conn, Cached(clear)).await.map(drop)
}
