//! Who reads a mirror next, and which writes it knows of: one row for each subscription.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::caps::{CapMirror, CapMirrorClaim, CapScope};
use store::{StoreResult, cap_mirrors::CapMirrorsDue};
use uuid::Uuid;

use super::{lock_organization, millis};
use crate::query::{Cached, one, rows, run};

const GET: &str = "\
SELECT m.read_at, coalesce(m.read_version = m.version, false) AS clean, bursar_now() AS now \
FROM (SELECT $1 AS scope_id) AS s LEFT JOIN budget_cap_mirrors AS m USING (scope_id)";

#[derive(QueryableByName)]
struct MirrorRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    read_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    clean: bool,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

pub(super) async fn cap_mirror_get(
    conn: &AsyncPgConnection,
    scope: CapScope,
) -> StoreResult<CapMirror> {
    let get = Cached(sql_query(GET).bind::<SqlUuid, _>(scope.id()));
    let found: MirrorRow = one(conn, get).await?;
    Ok(CapMirror {
        read_at: found.read_at,
        dropped: !found.clean,
        now: found.now,
    })
}

/// What a read makes of caps is written a moment after it began, and so is what goes upstream first: neither was set here.
const LOCAL: &str = "\
SELECT c.scope_id FROM ( \
    SELECT scope_id, updated_at FROM subscription_budget_caps \
    UNION ALL \
    SELECT scope_id, max(updated_at) FROM user_budget_cap_overrides GROUP BY scope_id) AS c (scope_id, updated_at) \
LEFT JOIN budget_cap_mirrors AS m USING (scope_id) \
WHERE m.read_at IS NULL OR c.updated_at > m.read_at + interval '1 minute' \
GROUP BY c.scope_id ORDER BY c.scope_id";

#[derive(QueryableByName)]
struct LocalRow {
    #[diesel(sql_type = SqlUuid)]
    scope_id: Uuid,
}

pub(super) async fn cap_mirror_local_list(conn: &AsyncPgConnection) -> StoreResult<Vec<CapScope>> {
    let found: Vec<LocalRow> = rows(conn, sql_query(LOCAL)).await?;
    let scopes = found.into_iter().map(|row| CapScope::of(row.scope_id));
    Ok(scopes.collect())
}

/// Rows for what has none yet, in the order of their ids, so that two who do this never wait in a circle. An
/// organization that is being ended at this moment needs none.
const MAKE: &str = "\
INSERT INTO budget_cap_mirrors (scope_id, organization_id) \
SELECT * FROM ( \
    SELECT '00000000-0000-0000-0000-000000000000'::uuid AS scope_id, NULL::uuid AS organization_id WHERE $1 \
    UNION ALL \
    SELECT n.id, n.id FROM ( \
        SELECT o.id FROM organizations AS o \
        WHERE $2 AND NOT o.deleted AND NOT EXISTS (SELECT FROM budget_cap_mirrors AS m WHERE m.scope_id = o.id) \
        ORDER BY o.id FOR KEY SHARE OF o SKIP LOCKED) AS n) AS s \
WHERE NOT EXISTS (SELECT FROM budget_cap_mirrors AS m WHERE m.scope_id = s.scope_id) \
ORDER BY s.scope_id ON CONFLICT (scope_id) DO NOTHING";

/// A row that somebody holds is passed over: whoever it is, they take it, or write what it shows. The claim is given at
/// the beginning of this statement, before anything is read. What is due later than anybody would say was written before the
/// clock was set back.
const CLAIM: &str = "\
WITH due AS MATERIALIZED ( \
    SELECT m.scope_id FROM budget_cap_mirrors AS m LEFT JOIN organizations AS o ON o.id = m.organization_id \
    WHERE (m.due_at <= bursar_now() OR m.due_at > bursar_now() + $4 * interval '2 milliseconds') AND CASE WHEN m.organization_id IS NULL THEN $1 ELSE $2 AND NOT o.deleted END \
    ORDER BY m.due_at LIMIT $3 FOR UPDATE OF m SKIP LOCKED) \
UPDATE budget_cap_mirrors AS m SET due_at = bursar_now() + $4 * interval '1 millisecond' \
FROM due WHERE m.scope_id = due.scope_id \
RETURNING m.scope_id, m.version, bursar_now() AS at";

#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = SqlUuid)]
    scope_id: Uuid,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

impl ClaimRow {
    fn claim(self) -> CapMirrorClaim {
        CapMirrorClaim {
            scope: CapScope::of(self.scope_id),
            version: self.version,
            at: self.at,
        }
    }
}

pub(super) async fn cap_mirror_claim(
    conn: &AsyncPgConnection,
    due: &CapMirrorsDue,
) -> StoreResult<Vec<CapMirrorClaim>> {
    let make = sql_query(MAKE)
        .bind::<Bool, _>(due.instance)
        .bind::<Bool, _>(due.organizations);
    run(conn, Cached(make)).await?;
    let claim = sql_query(CLAIM)
        .bind::<Bool, _>(due.instance)
        .bind::<Bool, _>(due.organizations)
        .bind::<BigInt, _>(i64::from(due.limit))
        .bind::<BigInt, _>(millis(due.refresh));
    let taken: Vec<ClaimRow> = rows(conn, Cached(claim)).await?;
    Ok(taken.into_iter().map(ClaimRow::claim).collect())
}

/// Also puts off whoever looks for what is due.
const BEGIN: &str = "\
INSERT INTO budget_cap_mirrors AS m (scope_id, organization_id, due_at) \
VALUES ($1, $2, bursar_now() + $3 * interval '1 millisecond') \
ON CONFLICT (scope_id) DO UPDATE SET due_at = excluded.due_at \
RETURNING scope_id, version, bursar_now() AS at";

pub(super) async fn cap_mirror_begin(
    conn: &AsyncPgConnection,
    scope: CapScope,
    refresh: Duration,
) -> StoreResult<CapMirrorClaim> {
    lock_organization(conn, scope).await?;
    let begin = sql_query(BEGIN)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Nullable<SqlUuid>, _>(scope.organization().map(|organization| organization.0))
        .bind::<BigInt, _>(millis(refresh));
    let taken: ClaimRow = one(conn, Cached(begin)).await?;
    Ok(taken.claim())
}

const PUT_BACK: &str = "\
UPDATE budget_cap_mirrors SET due_at = least(due_at, bursar_now() + $2 * interval '1 millisecond') WHERE scope_id = $1";

pub(super) async fn cap_mirror_put_back(
    conn: &AsyncPgConnection,
    scope: CapScope,
    wait: Duration,
) -> StoreResult<()> {
    let put_back = sql_query(PUT_BACK)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<BigInt, _>(millis(wait));
    // One that has ended with its organization is due no more.
    run(conn, Cached(put_back)).await?;
    Ok(())
}

const DROP: &str = "\
INSERT INTO budget_cap_mirrors AS m (scope_id, organization_id, version) VALUES ($1, $2, 1) \
ON CONFLICT (scope_id) DO UPDATE SET version = m.version + 1, due_at = least(m.due_at, excluded.due_at) \
RETURNING version";

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub(super) async fn cap_mirror_drop(conn: &AsyncPgConnection, scope: CapScope) -> StoreResult<i64> {
    lock_organization(conn, scope).await?;
    let raise = sql_query(DROP)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Nullable<SqlUuid>, _>(scope.organization().map(|organization| organization.0));
    let raised: VersionRow = one(conn, Cached(raise)).await?;
    Ok(raised.version)
}

/// The version is raised whatever the outcome: of two that wrote at once, neither may then take the mirror for what is
/// upstream. It is that again only if it was before the write, and nothing was read in between, which may have seen more
/// than this write.
const CONFIRM: &str = "\
UPDATE budget_cap_mirrors SET version = version + 1, \
    read_version = CASE WHEN version = $2 AND read_version = $2 - 1 THEN version + 1 ELSE read_version END, \
    due_at = CASE WHEN version = $2 AND read_version = $2 - 1 THEN least(read_at, bursar_now()) + $3 * interval '1 millisecond' \
        ELSE least(due_at, bursar_now()) END \
WHERE scope_id = $1 \
RETURNING version = $2 + 1 AS alone";

#[derive(QueryableByName)]
struct ConfirmRow {
    #[diesel(sql_type = Bool)]
    alone: bool,
}

pub(super) async fn cap_mirror_confirm(
    conn: &AsyncPgConnection,
    scope: CapScope,
    version: i64,
    refresh: Duration,
) -> StoreResult<bool> {
    lock_organization(conn, scope).await?;
    let confirm = sql_query(CONFIRM)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<BigInt, _>(version)
        .bind::<BigInt, _>(millis(refresh));
    let confirmed: ConfirmRow = one(conn, Cached(confirm)).await?;
    Ok(confirmed.alone)
}
