//! The people by whom an organization's groups were charged, by what they spent.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    Micros, PageRequest, UserId,
    spend_reports::{SpendUserFilter, UNKNOWN_CLIENT, UserSpend, UserSpendReport},
};
use store::StoreResult;
use uuid::Uuid;

use super::period;
use crate::query::{Cached, count, rows};

/// By what was used first, so that names are sorted among a few sums instead of all events. The sums over all people
/// are there also for a page behind the last one.
const USERS: &str = "\
WITH used AS MATERIALIZED ( \
    SELECT e.user_id, e.provider_name, e.model, e.client, \
        coalesce(sum(e.cost_micros), 0)::bigint AS cost, \
        count(*) FILTER (WHERE e.corrects IS NULL AND e.cost_micros IS NULL) AS unpriced \
    FROM ai_usage_events AS e \
    WHERE e.organization_id = $1 AND e.created_at >= $2 AND e.created_at < $3 \
        AND ($4 IS NULL OR e.provider_name = $4) AND ($5 IS NULL OR e.model = $5) \
        AND ($6 IS NULL OR coalesce(e.client, $7) = $6) \
    GROUP BY 1, 2, 3, 4), \
people AS MATERIALIZED ( \
    SELECT s.user_id, coalesce(u.username, '') AS username, s.cost, s.unpriced \
    FROM (SELECT user_id, sum(cost)::bigint AS cost, sum(unpriced)::bigint AS unpriced \
        FROM used GROUP BY user_id) AS s \
    LEFT JOIN users AS u ON u.id = s.user_id), \
page AS ( \
    SELECT * FROM people ORDER BY cost DESC, lower(username), username, user_id LIMIT $8 OFFSET $9) \
SELECT t.people, t.cost AS total_cost, t.unpriced AS total_unpriced, p.user_id, p.username, p.cost, p.unpriced, \
    k.providers, k.clients, k.models \
FROM (SELECT count(*) AS people, coalesce(sum(cost), 0)::bigint AS cost, \
    coalesce(sum(unpriced), 0)::bigint AS unpriced FROM people) AS t \
LEFT JOIN page AS p ON true \
LEFT JOIN LATERAL (SELECT \
        array_agg(DISTINCT o.provider_name COLLATE \"C\" ORDER BY o.provider_name COLLATE \"C\") AS providers, \
        array_agg(DISTINCT coalesce(o.client, $7) COLLATE \"C\" ORDER BY coalesce(o.client, $7) COLLATE \"C\") AS clients, \
        array_agg(DISTINCT o.model COLLATE \"C\" ORDER BY o.model COLLATE \"C\") AS models \
    FROM used AS o WHERE o.user_id = p.user_id) AS k ON p.user_id IS NOT NULL \
ORDER BY p.cost DESC, lower(p.username), p.username, p.user_id";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    people: i64,
    #[diesel(sql_type = BigInt)]
    total_cost: i64,
    #[diesel(sql_type = BigInt)]
    total_unpriced: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    username: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    cost: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    unpriced: Option<i64>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    providers: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    clients: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    models: Option<Vec<String>>,
}

fn user(row: Row) -> Option<UserSpend> {
    Some(UserSpend {
        user_id: UserId(row.user_id?),
        username: row.username.unwrap_or_default(),
        cost: Micros(row.cost.unwrap_or_default()),
        unpriced: count(row.unpriced.unwrap_or_default()),
        providers: row.providers.unwrap_or_default(),
        clients: row.clients.unwrap_or_default(),
        models: row.models.unwrap_or_default(),
    })
}

pub(super) async fn spend_user_list(
    conn: &AsyncPgConnection,
    filter: &SpendUserFilter,
    page: PageRequest,
) -> StoreResult<UserSpendReport> {
    let period = period(conn, filter.period).await?;
    let query = sql_query(USERS)
        .bind::<SqlUuid, _>(filter.organization_id.0)
        .bind::<Timestamptz, _>(period.start)
        .bind::<Timestamptz, _>(period.end)
        .bind::<Nullable<Text>, _>(filter.provider_name.clone())
        .bind::<Nullable<Text>, _>(filter.model.clone())
        .bind::<Nullable<Text>, _>(filter.client.clone())
        .bind::<Text, _>(UNKNOWN_CLIENT)
        .bind::<BigInt, _>(i64::from(page.limit))
        .bind::<BigInt, _>(i64::from(page.offset));
    let found: Vec<Row> = rows(conn, Cached(query)).await?;
    let totals = found
        .first()
        .map(|row| (row.people, row.total_cost, row.total_unpriced));
    let (people, cost, unpriced) = totals.unwrap_or_default();
    Ok(UserSpendReport {
        period,
        users: found.into_iter().filter_map(user).collect(),
        count: count(people),
        cost: Micros(cost),
        unpriced: count(unpriced),
    })
}
