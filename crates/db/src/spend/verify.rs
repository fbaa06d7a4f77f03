//! The recount: every counter against its events and open reservations.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{Micros, spend::LedgerDifference};
use store::StoreResult;
use uuid::Uuid;

use crate::query::{Cached, rows};

#[derive(QueryableByName)]
struct DifferenceRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    period_start: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    spent: i64,
    #[diesel(sql_type = BigInt)]
    spent_by_events: i64,
    #[diesel(sql_type = BigInt)]
    reserved: i64,
    #[diesel(sql_type = BigInt)]
    reserved_by_reservations: i64,
}

/// One statement, so that all of it is of one instant.
const DIFFERENCES: &str = "\
SELECT user_id, period_start, \
    coalesce(c.spent, 0) AS spent, coalesce(e.spent, 0) AS spent_by_events, \
    coalesce(c.reserved, 0) AS reserved, coalesce(r.reserved, 0) AS reserved_by_reservations \
FROM (SELECT limit_id AS user_id, period_start, spent_micros AS spent, reserved_micros AS reserved \
        FROM spend_counters WHERE limit_kind = 'user') AS c \
FULL JOIN (SELECT user_id, period_start, sum(cost_micros)::bigint AS spent \
        FROM ai_usage_events GROUP BY user_id, period_start) AS e USING (user_id, period_start) \
FULL JOIN (SELECT user_id, period_start, sum(hold_micros)::bigint AS reserved \
        FROM ai_reservations GROUP BY user_id, period_start) AS r USING (user_id, period_start) \
WHERE coalesce(c.spent, 0) <> coalesce(e.spent, 0) \
    OR coalesce(c.reserved, 0) <> coalesce(r.reserved, 0) \
ORDER BY user_id, period_start";

pub(super) async fn ledger_verify(conn: &AsyncPgConnection) -> StoreResult<Vec<LedgerDifference>> {
    let found: Vec<DifferenceRow> = rows(conn, Cached(sql_query(DIFFERENCES))).await?;
    let difference = |row: DifferenceRow| LedgerDifference {
        user_id: row.user_id,
        period_start: row.period_start,
        spent: Micros(row.spent),
        spent_by_events: Micros(row.spent_by_events),
        reserved: Micros(row.reserved),
        reserved_by_reservations: Micros(row.reserved_by_reservations),
    };
    Ok(found.into_iter().map(difference).collect())
}
