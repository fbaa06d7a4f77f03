//! Everything that was charged to an organization's groups in a period, read through a cursor: PostgreSQL adds up and
//! sorts, on its disk where that takes much, and a bounded number of rows is here at a time.

use std::ops::ControlFlow;

use chrono::{DateTime, Days, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    GroupId, Micros, UserId,
    spend::Period,
    spend_reports::{ExportGrain, SpendExportFilter, SpendExportRow},
};
use store::{StoreResult, spend_reports::SpendExportSink};
use uuid::Uuid;

use super::period;
use crate::query::{rows, run};

/// How many rows are fetched together.
const ROWS: usize = 1_000;

/// Adding up a year takes longer than statements may otherwise, and a reader on a slow line is waited for. The number of
/// sums is foreseen too high, days above all: sorting all events for that takes twice as long as hashing them.
const SETTINGS: &str = "\
SELECT set_config('statement_timeout', '300s', true), \
    set_config('idle_in_transaction_session_timeout', '300s', true), set_config('work_mem', '32MB', true), \
    set_config('enable_sort', 'off', true)";

/// By what was used first, by plain columns, whose number of sums PostgreSQL can foresee; then by what is told of them.
const DECLARE: &str = "\
DECLARE spend_export NO SCROLL CURSOR FOR \
SELECT a.user_id, coalesce(u.username, '') AS username, a.group_id, coalesce(g.name, f.name, '') AS group_name, \
    a.model, coalesce(p.kind, fp.kind, '') AS provider, a.provider_name, \
    sum(a.input_tokens)::bigint AS input_tokens, sum(a.output_tokens)::bigint AS output_tokens, \
    sum(a.cache_read_tokens)::bigint AS cache_read_tokens, sum(a.cache_write_tokens)::bigint AS cache_write_tokens, \
    sum(a.cost_micros)::bigint AS cost_micros, sum(a.requests)::bigint AS requests, \
    sum(a.unpriced)::bigint AS unpriced, a.day \
FROM (SELECT e.user_id, e.effective_group_id AS group_id, e.model, e.provider_id, e.provider_name, \
        CASE WHEN $4 THEN date_trunc('day', e.created_at, 'UTC') END AS day, \
        sum(e.input_tokens + e.audio_input_tokens) AS input_tokens, \
        sum(e.output_tokens + e.audio_output_tokens) AS output_tokens, \
        sum(e.cache_read_tokens) AS cache_read_tokens, \
        sum(e.cache_write_5m_tokens + e.cache_write_1h_tokens) AS cache_write_tokens, \
        sum(e.cost_micros) AS cost_micros, \
        count(*) FILTER (WHERE e.corrects IS NULL) AS requests, \
        count(*) FILTER (WHERE e.corrects IS NULL AND e.cost_micros IS NULL) AS unpriced \
    FROM ai_usage_events AS e \
    WHERE e.organization_id = $1 AND e.created_at >= $2 AND e.created_at < $3 \
    GROUP BY 1, 2, 3, 4, 5, 6) AS a \
LEFT JOIN ai_providers AS p ON p.id = a.provider_id \
LEFT JOIN former_ai_providers AS fp ON fp.id = a.provider_id \
LEFT JOIN users AS u ON u.id = a.user_id LEFT JOIN groups AS g ON g.id = a.group_id \
LEFT JOIN former_groups AS f ON f.id = a.group_id \
GROUP BY 1, 2, 3, 4, 5, 6, 7, 15 ORDER BY 2, 1, 4, 3, 5, 6, 7, 15";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Text)]
    username: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    group_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    group_name: String,
    #[diesel(sql_type = Text)]
    model: String,
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    provider_name: String,
    #[diesel(sql_type = BigInt)]
    input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    output_tokens: i64,
    #[diesel(sql_type = BigInt)]
    cache_read_tokens: i64,
    #[diesel(sql_type = BigInt)]
    cache_write_tokens: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    cost_micros: Option<i64>,
    #[diesel(sql_type = BigInt)]
    requests: i64,
    #[diesel(sql_type = BigInt)]
    unpriced: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    day: Option<DateTime<Utc>>,
}

/// The part of a period that lies in the day that begins then.
fn within(period: Period, day: DateTime<Utc>) -> Period {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(period.end);
    Period {
        start: day.max(period.start),
        end: next.min(period.end),
    }
}

fn row(row: Row, period: Period) -> SpendExportRow {
    SpendExportRow {
        user_id: UserId(row.user_id),
        username: row.username,
        group_id: row.group_id.map(GroupId),
        group_name: row.group_name,
        model: row.model,
        provider: row.provider,
        provider_name: row.provider_name,
        input_tokens: row.input_tokens,
        output_tokens: row.output_tokens,
        cache_read_tokens: row.cache_read_tokens,
        cache_write_tokens: row.cache_write_tokens,
        cost: row.cost_micros.map(Micros),
        requests: row.requests,
        unpriced: row.unpriced,
        period: row.day.map_or(period, |day| within(period, day)),
    }
}

async fn fetch(conn: &AsyncPgConnection) -> StoreResult<Vec<Row>> {
    rows(conn, sql_query(format!("FETCH {ROWS} FROM spend_export"))).await
}

/// In a transaction, whose end closes the cursor as well.
pub(super) async fn spend_export(
    conn: &AsyncPgConnection,
    filter: &SpendExportFilter,
    sink: &mut dyn SpendExportSink,
) -> StoreResult<()> {
    let period = period(conn, filter.period).await?;
    let declare = sql_query(DECLARE)
        .bind::<SqlUuid, _>(filter.organization_id.0)
        .bind::<Timestamptz, _>(period.start)
        .bind::<Timestamptz, _>(period.end)
        .bind::<Bool, _>(filter.grain == ExportGrain::Day);
    try_join(run(conn, sql_query(SETTINGS)), run(conn, declare)).await?;
    // The first rows are where most can go wrong: until they are there, nothing is promised.
    let mut found = fetch(conn).await?;
    let mut flow = sink.begin(period).await;
    while flow.is_continue() && !found.is_empty() {
        let last = found.len() < ROWS;
        let some = found.into_iter().map(|one| row(one, period)).collect();
        flow = sink.rows(some).await;
        if last {
            break;
        }
        found = match flow {
            ControlFlow::Continue(()) => fetch(conn).await?,
            ControlFlow::Break(()) => Vec::new(),
        };
    }
    run(conn, sql_query("CLOSE spend_export")).await.map(drop)
}
