//! The recount: every figure against its events and open reservations.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Date, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    GroupId, Micros, UserId,
    spend::{Account, LedgerDifference, LedgerFigure, LimitKey},
};
use store::StoreResult;
use uuid::Uuid;

use crate::query::{Cached, parse, rows};

#[derive(QueryableByName)]
struct CounterRow {
    #[diesel(sql_type = Text)]
    limit_kind: String,
    #[diesel(sql_type = SqlUuid)]
    limit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    scope_id: Uuid,
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

/// One statement, so that all of it is of one instant. Counters of pools and caps that are none any more, and of before
/// the limit's counting began, are nobody's.
const COUNTERS: &str = "\
SELECT limit_kind, limit_id, scope_id, period_start, \
    coalesce(c.spent_micros, 0) AS spent, coalesce(r.spent_micros, 0) AS spent_by_events, \
    coalesce(c.reserved_micros, 0) AS reserved, coalesce(r.reserved_micros, 0) AS reserved_by_reservations \
FROM (SELECT c.* FROM spend_counters AS c CROSS JOIN ai_budget_settings AS s \
        LEFT JOIN group_ai_budgets AS b ON c.limit_kind = 'pool' AND b.group_id = c.limit_id \
        LEFT JOIN budget_cap_counts AS k ON k.scope_id = CASE c.limit_kind WHEN 'user_cap' THEN c.scope_id \
            WHEN 'subscription' THEN c.limit_id END \
        WHERE c.period_start >= CASE WHEN c.limit_kind = 'user' THEN s.counted_from \
            WHEN c.limit_kind <> 'pool' THEN k.counted_from \
            WHEN b.pool_limit_micros IS NOT NULL THEN b.pool_counted_from END) AS c \
FULL JOIN bursar_recount() AS r USING (limit_kind, limit_id, scope_id, period_start) \
WHERE coalesce(c.spent_micros, 0) <> coalesce(r.spent_micros, 0) \
    OR coalesce(c.reserved_micros, 0) <> coalesce(r.reserved_micros, 0) \
ORDER BY limit_kind, limit_id, scope_id, period_start";

#[derive(QueryableByName)]
struct DayRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    effective_group_id: Uuid,
    #[diesel(sql_type = Date)]
    day: NaiveDate,
    #[diesel(sql_type = BigInt)]
    stored: i64,
    #[diesel(sql_type = BigInt)]
    recounted: i64,
}

const DAYS: &str = "\
SELECT user_id, effective_group_id, day, \
    coalesce(d.spend_micros, 0) AS stored, coalesce(r.spend_micros, 0) AS recounted \
FROM ai_user_daily_spend AS d \
FULL JOIN ai_daily_recount AS r USING (user_id, effective_group_id, day) \
WHERE coalesce(d.spend_micros, 0) <> coalesce(r.spend_micros, 0) \
ORDER BY user_id, day, effective_group_id";

pub(super) async fn ledger_verify(conn: &AsyncPgConnection) -> StoreResult<Vec<LedgerDifference>> {
    let (counters, days) = try_join(
        rows::<_, CounterRow>(conn, Cached(sql_query(COUNTERS))),
        rows::<_, DayRow>(conn, Cached(sql_query(DAYS))),
    )
    .await?;
    let mut found = Vec::new();
    let mut differs = |figure, stored, recounted| {
        if stored != recounted {
            let (stored, recounted) = (Micros(stored), Micros(recounted));
            found.push(LedgerDifference {
                figure,
                stored,
                recounted,
            });
        }
    };
    for row in counters {
        let limit = LimitKey {
            kind: parse("limit_kind", &row.limit_kind)?,
            id: row.limit_id,
            scope: row.scope_id,
        };
        let at = row.period_start;
        differs(
            LedgerFigure::Spent(limit, at),
            row.spent,
            row.spent_by_events,
        );
        let (held, open) = (row.reserved, row.reserved_by_reservations);
        differs(LedgerFigure::Reserved(limit, at), held, open);
    }
    for row in days {
        let account = Account {
            user_id: UserId(row.user_id),
            group_id: Some(GroupId(row.effective_group_id)).filter(|group| !group.0.is_nil()),
            organization_id: None,
        };
        differs(
            LedgerFigure::Daily(account, row.day),
            row.stored,
            row.recounted,
        );
    }
    Ok(found)
}
