//! Budgets of groups.

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    GroupId, Micros,
    budgets::{GroupBudget, GroupBudgetUpsert},
};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use super::settings::{TIME_TO_COUNT, zone};
use crate::{
    query::{Cached, parse, row, run},
    schema::group_ai_budgets,
};

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = group_ai_budgets, check_for_backend(Pg))]
struct BudgetRow {
    group_id: Uuid,
    spend_limit_micros: i64,
    mode: String,
    pool_limit_micros: Option<i64>,
    pool_period: Option<String>,
    pool_time_zone: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

fn budget(row: BudgetRow) -> StoreResult<GroupBudget> {
    let period = row.pool_period.as_deref();
    Ok(GroupBudget {
        group_id: row.group_id.into(),
        spend_limit: Micros(row.spend_limit_micros),
        mode: parse("group_ai_budgets.mode", &row.mode)?,
        pool_limit: row.pool_limit_micros.map(Micros),
        pool_period: period
            .map(|period| parse("group_ai_budgets.pool_period", period))
            .transpose()?,
        pool_time_zone: row.pool_time_zone,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

pub(super) async fn group_budget_get(
    conn: &AsyncPgConnection,
    group: GroupId,
) -> StoreResult<Option<GroupBudget>> {
    let query = group_ai_budgets::table
        .filter(group_ai_budgets::group_id.eq(group.0))
        .select(BudgetRow::as_select());
    row(conn, query).await?.map(budget).transpose()
}

/// The group's row is locked, so that a budget does not meet a group that is being deleted. An equal budget is
/// left alone. The triggers count a pool anew that begins, or whose period changes.
///
/// For that they hold the ledger's lock alone, and so does whoever changes the deployment's period, who then
/// changes budgets: where a pool changes, that lock comes before the budget's row, or the two would wait for
/// each other.
const UPSERT: &str = "\
INSERT INTO group_ai_budgets AS b (group_id, organization_id, spend_limit_micros, mode, \
    pool_limit_micros, pool_period, pool_time_zone) \
SELECT g.id, g.organization_id, $2, coalesce($3, 'enforce'), $5, $7, $9 \
FROM groups AS g WHERE g.id = $1 FOR KEY SHARE \
ON CONFLICT (group_id) DO UPDATE SET \
    spend_limit_micros = $2, \
    mode = coalesce($3, b.mode), \
    pool_limit_micros = CASE WHEN $4 THEN $5 ELSE b.pool_limit_micros END, \
    pool_period = CASE WHEN $6 THEN $7 ELSE b.pool_period END, \
    pool_time_zone = CASE WHEN $8 THEN $9 ELSE b.pool_time_zone END, \
    updated_at = bursar_now() \
WHERE b.spend_limit_micros <> $2 OR b.mode <> coalesce($3, b.mode) \
    OR ($4 AND b.pool_limit_micros IS DISTINCT FROM $5) \
    OR ($6 AND b.pool_period IS DISTINCT FROM $7) \
    OR ($8 AND b.pool_time_zone IS DISTINCT FROM $9)";

pub(super) async fn group_budget_upsert(
    conn: &AsyncPgConnection,
    group: GroupId,
    budget: &GroupBudgetUpsert,
) -> StoreResult<GroupBudget> {
    let pool_time_zone = match budget.pool_time_zone.value() {
        Some(name) => Some(zone(conn, name, "group_ai_budgets_pool_time_zone_check").await?),
        None => None,
    };
    if changes_pool(group_budget_get(conn, group).await?.as_ref(), budget) {
        run(conn, Cached(sql_query(TIME_TO_COUNT))).await?;
        run(conn, Cached(sql_query("SELECT bursar_lock_ledger()"))).await?;
    }
    let pool_period = budget.pool_period.value();
    let upsert = sql_query(UPSERT)
        .bind::<SqlUuid, _>(group.0)
        .bind::<BigInt, _>(budget.spend_limit.0)
        .bind::<Nullable<Text>, _>(budget.mode.map(|mode| mode.as_str().to_owned()))
        .bind::<Bool, _>(!budget.pool_limit.keeps())
        .bind::<Nullable<BigInt>, _>(budget.pool_limit.value().map(|limit| limit.0))
        .bind::<Bool, _>(!budget.pool_period.keeps())
        .bind::<Nullable<Text>, _>(pool_period.map(|period| period.as_str().to_owned()))
        .bind::<Bool, _>(!budget.pool_time_zone.keeps())
        .bind::<Nullable<Text>, _>(pool_time_zone);
    run(conn, Cached(upsert)).await?;
    group_budget_get(conn, group)
        .await?
        .ok_or(StoreError::NotFound)
}

/// Whether a budget's pool becomes another one. A zone in another spelling counts as another: the lock that is
/// taken for it is one too many, and no harm.
fn changes_pool(old: Option<&GroupBudget>, new: &GroupBudgetUpsert) -> bool {
    let limit = old.and_then(|old| old.pool_limit);
    let period = old.and_then(|old| old.pool_period);
    let zone = old.and_then(|old| old.pool_time_zone.clone());
    new.pool_limit.of(limit) != limit
        || new.pool_period.of(period) != period
        || new.pool_time_zone.clone().of(zone.clone()) != zone
}

pub(super) async fn group_budget_delete(
    conn: &AsyncPgConnection,
    group: GroupId,
) -> StoreResult<bool> {
    let delete =
        diesel::delete(group_ai_budgets::table).filter(group_ai_budgets::group_id.eq(group.0));
    Ok(run(conn, delete).await? > 0)
}
