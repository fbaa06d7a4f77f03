//! Overrides of people. That who is charged to a group is in it is the database's to say, by triggers.

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    Micros, UserId,
    budgets::{BudgetOverride, BudgetOverrideUpsert},
};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{
    query::{Cached, parse, row, run},
    schema::{user_ai_budget_overrides as overrides, users},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = overrides, check_for_backend(Pg))]
struct OverrideRow {
    user_id: Uuid,
    group_id: Uuid,
    organization_id: Uuid,
    spend_limit_micros: i64,
    mode: String,
    expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

fn budget_override(row: &OverrideRow) -> StoreResult<BudgetOverride> {
    Ok(BudgetOverride {
        user_id: row.user_id.into(),
        group_id: row.group_id.into(),
        organization_id: row.organization_id.into(),
        spend_limit: Micros(row.spend_limit_micros),
        mode: parse("user_ai_budget_overrides.mode", &row.mode)?,
        expires_at: row.expires_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

pub(super) async fn budget_override_get(
    conn: &AsyncPgConnection,
    user: UserId,
) -> StoreResult<Option<BudgetOverride>> {
    let query = overrides::table
        .filter(overrides::user_id.eq(user.0))
        .select(OverrideRow::as_select());
    row(conn, query)
        .await?
        .as_ref()
        .map(budget_override)
        .transpose()
}

pub(super) async fn budget_override_lock(
    conn: &AsyncPgConnection,
    user: UserId,
) -> StoreResult<Option<BudgetOverride>> {
    // The account first, as whoever removes it does, whose memberships then take the override with them.
    let account = users::table
        .filter(users::id.eq(user.0))
        .select(users::id)
        .for_key_share();
    let _: Option<Uuid> = row(conn, account).await?;
    let lock = overrides::table
        .filter(overrides::user_id.eq(user.0))
        .select(OverrideRow::as_select())
        .for_update();
    row(conn, lock)
        .await?
        .as_ref()
        .map(budget_override)
        .transpose()
}

/// The organization is the trigger's to fill in. An equal override is left alone.
const UPSERT: &str = "\
INSERT INTO user_ai_budget_overrides AS o (user_id, group_id, spend_limit_micros, mode, expires_at) \
VALUES ($1, $2, $3, $4, $5) \
ON CONFLICT (user_id) DO UPDATE SET \
    group_id = $2, spend_limit_micros = $3, mode = $4, expires_at = $5, updated_at = bursar_now() \
WHERE (o.group_id, o.spend_limit_micros, o.mode, o.expires_at) IS DISTINCT FROM ($2, $3, $4, $5)";

pub(super) async fn budget_override_upsert(
    conn: &AsyncPgConnection,
    user: UserId,
    budget: &BudgetOverrideUpsert,
) -> StoreResult<BudgetOverride> {
    let upsert = sql_query(UPSERT)
        .bind::<SqlUuid, _>(user.0)
        .bind::<SqlUuid, _>(budget.group_id.0)
        .bind::<BigInt, _>(budget.spend_limit.0)
        .bind::<Text, _>(budget.mode.as_str().to_owned())
        .bind::<Nullable<Timestamptz>, _>(budget.expires_at);
    run(conn, Cached(upsert)).await?;
    budget_override_get(conn, user)
        .await?
        .ok_or(StoreError::NotFound)
}

pub(super) async fn budget_override_delete(
    conn: &AsyncPgConnection,
    user: UserId,
) -> StoreResult<bool> {
    let delete = diesel::delete(overrides::table).filter(overrides::user_id.eq(user.0));
    Ok(run(conn, delete).await? > 0)
}
