//! What holds for all budgets: one row, made by its migration and never removed.

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{Array, Integer, Nullable, Text},
};
use diesel_async::AsyncPgConnection;
use model::{
    alerts::AlertThresholds,
    budgets::{BudgetPeriod, BudgetPolicy, BudgetSettings, BudgetSettingsUpdate, EveryoneBudget},
};
use store::{StoreError, StoreResult};

use crate::{
    errors::internal,
    query::{Cached, one, parse, row, run},
    schema::ai_budget_settings,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = ai_budget_settings, check_for_backend(Pg))]
struct SettingsRow {
    policy: String,
    everyone: String,
    period: String,
    time_zone: String,
    alert_thresholds: Vec<i32>,
    changed_at: DateTime<Utc>,
}

fn read(row: SettingsRow) -> StoreResult<BudgetSettings> {
    Ok(BudgetSettings {
        policy: parse("ai_budget_settings.policy", &row.policy)?,
        everyone: parse("ai_budget_settings.everyone", &row.everyone)?,
        period: parse("ai_budget_settings.period", &row.period)?,
        time_zone: row.time_zone,
        alert_thresholds: AlertThresholds::new(&row.alert_thresholds).map_err(internal)?,
        changed_at: row.changed_at,
    })
}

/// What holds for all budgets.
pub(crate) async fn settings(conn: &AsyncPgConnection) -> StoreResult<BudgetSettings> {
    let query = ai_budget_settings::table.select(SettingsRow::as_select());
    read(one(conn, query).await?)
}

pub(super) async fn budget_settings_lock(conn: &AsyncPgConnection) -> StoreResult<BudgetSettings> {
    let query = ai_budget_settings::table
        .select(SettingsRow::as_select())
        .for_update();
    read(one(conn, query).await?)
}

/// Equal settings are left alone. The triggers count spend anew when the period or the zone changes.
const UPDATE: &str = "\
UPDATE ai_budget_settings AS s SET policy = coalesce($1, s.policy), everyone = coalesce($2, s.everyone), \
    period = coalesce($3, s.period), time_zone = coalesce($4, s.time_zone), \
    alert_thresholds = coalesce($5, s.alert_thresholds), changed_at = bursar_now() \
WHERE (s.policy, s.everyone, s.period, s.time_zone, s.alert_thresholds) IS DISTINCT FROM \
    (coalesce($1, s.policy), coalesce($2, s.everyone), coalesce($3, s.period), coalesce($4, s.time_zone), \
        coalesce($5, s.alert_thresholds))";

/// Counting anew takes a second or two for each million of requests, longer in all than other statements may.
pub(crate) const TIME_TO_COUNT: &str = "SELECT set_config('statement_timeout', '600s', true)";

pub(super) async fn budget_settings_update(
    conn: &AsyncPgConnection,
    update: &BudgetSettingsUpdate,
) -> StoreResult<BudgetSettings> {
    let time_zone = match &update.time_zone {
        Some(name) => Some(zone(conn, name, "ai_budget_settings_time_zone_check").await?),
        None => None,
    };
    if update.period.is_some() || update.time_zone.is_some() {
        run(conn, Cached(sql_query(TIME_TO_COUNT))).await?;
    }
    let text = |word: Option<&'static str>| word.map(str::to_owned);
    let thresholds = update.alert_thresholds.as_ref();
    let thresholds = thresholds.map(|all| all.iter().map(i32::from).collect::<Vec<_>>());
    let change = sql_query(UPDATE)
        .bind::<Nullable<Text>, _>(text(update.policy.map(BudgetPolicy::as_str)))
        .bind::<Nullable<Text>, _>(text(update.everyone.map(EveryoneBudget::as_str)))
        .bind::<Nullable<Text>, _>(text(update.period.map(BudgetPeriod::as_str)))
        .bind::<Nullable<Text>, _>(time_zone)
        .bind::<Nullable<Array<Integer>>, _>(thresholds);
    run(conn, Cached(change)).await?;
    settings(conn).await
}

#[derive(QueryableByName)]
struct ZoneRow {
    #[diesel(sql_type = Text)]
    name: String,
}

/// A zone's name as the database spells it. What else PostgreSQL takes for a zone is none here: offsets and
/// rules by POSIX know nothing of changes of the clocks, or mean another thing than people do, and some names
/// stand for whatever the machine is set to.
pub(super) async fn zone(
    conn: &AsyncPgConnection,
    name: &str,
    constraint: &str,
) -> StoreResult<String> {
    let unknown = || StoreError::Violated(constraint.to_owned());
    if !zone_like(name) {
        return Err(unknown());
    }
    let query = sql_query(
        "SELECT name FROM pg_timezone_names WHERE lower(name) = lower($1) \
            AND name !~ '^(posix|right)/' AND name NOT IN ('Factory', 'localtime', 'posixrules') \
         ORDER BY name LIMIT 1",
    )
    .bind::<Text, _>(name.to_owned());
    let found: Option<ZoneRow> = row(conn, Cached(query)).await?;
    found.map(|zone| zone.name).ok_or_else(unknown)
}

/// Whether a text could be a zone's name at all: looking it up takes a while, and not every text can be sent.
fn zone_like(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(letter)
}
