//! People's own caps.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    Micros, UserId,
    caps::{Cap, CapOverride, CapOverrideUpsert, CapPerson, CapScope},
};
use serde::Deserialize;
use serde_json::Value;
use store::{
    StoreResult,
    caps::{CapOverrideFilter, CapOverridePage},
};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, count, one, parse, rows},
};

#[derive(Deserialize, QueryableByName)]
struct OverrideRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = BigInt)]
    cap_micros: i64,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Text)]
    disabled_mode: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

impl OverrideRow {
    fn cap_override(self) -> StoreResult<CapOverride> {
        Ok(CapOverride {
            user_id: self.user_id.into(),
            cap: Cap {
                amount: Micros(self.cap_micros),
                enabled: self.enabled,
            },
            disabled_mode: parse(
                "user_budget_cap_overrides.disabled_mode",
                &self.disabled_mode,
            )?,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A page and what is around it as one row: one statement sees one moment. The keys are the columns'. An empty page
/// stands where it was asked for: right after the one person, or right before the other.
const LIST: &str = "\
WITH held AS MATERIALIZED ( \
    SELECT user_id, cap_micros, enabled, disabled_mode, created_at, updated_at \
    FROM user_budget_cap_overrides \
    WHERE scope_id = $1 AND ($2 IS NULL OR user_id = ANY ($2))), \
page AS MATERIALIZED ( \
    SELECT * FROM held WHERE ($3 IS NULL OR user_id > $3) AND ($4 IS NULL OR user_id < $4) \
    ORDER BY CASE WHEN NOT $5 THEN user_id END, user_id DESC LIMIT $6), \
ends AS ( \
    SELECT (SELECT user_id FROM page ORDER BY user_id LIMIT 1) AS first, \
        (SELECT user_id FROM page ORDER BY user_id DESC LIMIT 1) AS last) \
SELECT (SELECT count(*) FROM held) AS count, \
    (SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.user_id), '[]') FROM page AS p) AS overrides, \
    EXISTS (SELECT FROM held WHERE CASE WHEN e.first IS NOT NULL THEN user_id < e.first \
        WHEN $5 THEN $4 IS NULL OR user_id < $4 ELSE user_id <= $3 END) AS has_previous, \
    EXISTS (SELECT FROM held WHERE CASE WHEN e.last IS NOT NULL THEN user_id > e.last \
        WHEN $5 THEN user_id >= $4 ELSE $3 IS NULL OR user_id > $3 END) AS has_next \
FROM ends AS e";

#[derive(QueryableByName)]
struct PageRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Jsonb)]
    overrides: Value,
    #[diesel(sql_type = Bool)]
    has_previous: bool,
    #[diesel(sql_type = Bool)]
    has_next: bool,
}

fn ids(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|user| user.0).collect()
}

pub(super) async fn cap_override_list(
    conn: &AsyncPgConnection,
    scope: CapScope,
    filter: &CapOverrideFilter,
) -> StoreResult<CapOverridePage> {
    let list = sql_query(LIST)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Nullable<Array<SqlUuid>>, _>(filter.users.as_deref().map(ids))
        .bind::<Nullable<SqlUuid>, _>(filter.after.map(|user| user.0))
        .bind::<Nullable<SqlUuid>, _>(filter.before.map(|user| user.0))
        .bind::<Bool, _>(filter.last)
        .bind::<BigInt, _>(i64::from(filter.limit));
    let page: PageRow = one(conn, Cached(list)).await?;
    let found: Vec<OverrideRow> = serde_json::from_value(page.overrides).map_err(internal)?;
    Ok(CapOverridePage {
        overrides: found
            .into_iter()
            .map(OverrideRow::cap_override)
            .collect::<StoreResult<_>>()?,
        count: count(page.count),
        has_previous: page.has_previous,
        has_next: page.has_next,
    })
}

/// Accounts that are being removed are waited for, and then not found.
const LOCK_PEOPLE: &str = "\
SELECT u.id, \
    $2 IS NULL OR EXISTS (SELECT FROM organization_members AS m \
        WHERE m.organization_id = $2 AND m.user_id = u.id) AS member, \
    EXISTS (SELECT FROM user_budget_cap_overrides AS o WHERE o.scope_id = $1 AND o.user_id = u.id) AS capped \
FROM users AS u WHERE u.id = ANY ($3) AND NOT u.deleted ORDER BY u.id FOR KEY SHARE OF u";

#[derive(QueryableByName)]
struct PersonRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    member: bool,
    #[diesel(sql_type = Bool)]
    capped: bool,
}

pub(super) async fn cap_people_lock(
    conn: &AsyncPgConnection,
    scope: CapScope,
    users: &[UserId],
) -> StoreResult<Vec<CapPerson>> {
    let lock = sql_query(LOCK_PEOPLE)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Nullable<SqlUuid>, _>(scope.organization().map(|organization| organization.0))
        .bind::<Array<SqlUuid>, _>(ids(users));
    let found: Vec<PersonRow> = rows(conn, Cached(lock)).await?;
    let people = found.into_iter().map(|row| CapPerson {
        user_id: row.id.into(),
        member: row.member,
        capped: row.capped,
    });
    Ok(people.collect())
}

/// All people in one statement, always in the order of their ids, so that two such never wait for each other in a
/// circle. Those in `$6` keep the mode that they have. An equal override is left as it is, and answered nonetheless.
const UPSERT: &str = "\
WITH asked AS MATERIALIZED ( \
    SELECT * FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS a (user_id, cap_micros, enabled, disabled_mode, place)), \
stored AS ( \
    INSERT INTO user_budget_cap_overrides AS o (scope_id, user_id, cap_micros, enabled, disabled_mode) \
    SELECT $1, a.user_id, a.cap_micros, a.enabled, a.disabled_mode FROM asked AS a ORDER BY a.user_id \
    ON CONFLICT (scope_id, user_id) DO UPDATE SET cap_micros = excluded.cap_micros, enabled = excluded.enabled, \
        disabled_mode = CASE WHEN o.user_id = ANY ($6) THEN o.disabled_mode ELSE excluded.disabled_mode END, \
        updated_at = CASE WHEN (o.cap_micros, o.enabled) = (excluded.cap_micros, excluded.enabled) \
                AND (o.disabled_mode = excluded.disabled_mode OR o.user_id = ANY ($6)) \
            THEN o.updated_at ELSE bursar_now() END \
    RETURNING user_id, cap_micros, enabled, disabled_mode, created_at, updated_at) \
SELECT s.* FROM stored AS s JOIN asked AS a USING (user_id) ORDER BY a.place";

pub(super) async fn cap_override_upsert(
    conn: &AsyncPgConnection,
    scope: CapScope,
    overrides: &[CapOverrideUpsert],
) -> StoreResult<Vec<CapOverride>> {
    let of = |upsert: &CapOverrideUpsert| upsert.user_id.0;
    let keeping = overrides.iter().filter(|one| one.disabled_mode.is_none());
    let modes = overrides
        .iter()
        .map(|one| one.disabled_mode.unwrap_or_default().as_str());
    let upsert = sql_query(UPSERT)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Array<SqlUuid>, _>(overrides.iter().map(of).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(
            overrides
                .iter()
                .map(|one| one.cap.amount.0)
                .collect::<Vec<_>>(),
        )
        .bind::<Array<Bool>, _>(
            overrides
                .iter()
                .map(|one| one.cap.enabled)
                .collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(modes.collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(keeping.map(of).collect::<Vec<_>>());
    let stored: Vec<OverrideRow> = rows(conn, Cached(upsert)).await?;
    stored.into_iter().map(OverrideRow::cap_override).collect()
}

const DELETE: &str = "\
WITH gone AS ( \
    DELETE FROM user_budget_cap_overrides WHERE scope_id = $1 AND user_id = ANY ($2) RETURNING user_id) \
SELECT user_id AS id FROM gone ORDER BY user_id";

#[derive(QueryableByName)]
struct GoneRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

pub(super) async fn cap_override_delete(
    conn: &AsyncPgConnection,
    scope: CapScope,
    users: &[UserId],
) -> StoreResult<Vec<UserId>> {
    let delete = sql_query(DELETE)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Array<SqlUuid>, _>(ids(users));
    let gone: Vec<GoneRow> = rows(conn, Cached(delete)).await?;
    Ok(gone.into_iter().map(|row| row.id.into()).collect())
}
