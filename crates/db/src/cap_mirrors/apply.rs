//! Makes stored caps what was read upstream. What is as it was read is not written, nor locked.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::caps::{
    Cap, CapMirrorClaim, CapScope, MirrorChanges, MirrorOutcome, MirroredCaps, MirroredOverride,
    SubscriptionCaps,
};
use store::StoreResult;
use uuid::Uuid;

use super::lock_organization;
use crate::{
    caps::{cap_get, lock_ledger},
    query::{Cached, changed, one, row, run},
};

/// Whether the claim still counts; the row is locked. What was read in the future, by a clock that was set back, is no
/// reason against it.
const HOLD: &str = "\
SELECT version = $2 AND coalesce(read_at <= $3 OR read_at > bursar_now(), true) AS counts \
FROM budget_cap_mirrors WHERE scope_id = $1 FOR UPDATE";

#[derive(QueryableByName)]
struct HoldRow {
    #[diesel(sql_type = Bool)]
    counts: bool,
}

const NOTE: &str =
    "UPDATE budget_cap_mirrors SET read_version = version, read_at = $2 WHERE scope_id = $1";

pub(super) async fn cap_mirror_apply(
    conn: &AsyncPgConnection,
    claim: &CapMirrorClaim,
    caps: Option<&MirroredCaps>,
) -> StoreResult<MirrorOutcome> {
    let scope = claim.scope;
    lock_organization(conn, scope).await?;
    let hold = sql_query(HOLD)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<BigInt, _>(claim.version)
        .bind::<Timestamptz, _>(claim.at);
    let held: Option<HoldRow> = row(conn, Cached(hold)).await?;
    if !held.is_some_and(|held| held.counts) {
        return Ok(MirrorOutcome::Superseded);
    }
    let changes = match caps {
        Some(caps) => set(conn, scope, caps).await?,
        // The record has something of ours, which is not lost although there is none upstream at this moment.
        None if cap_get(conn, scope).await?.is_some() => set(conn, scope, &NONE).await?,
        None => MirrorChanges::default(),
    };
    let note = sql_query(NOTE)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Timestamptz, _>(claim.at);
    run(conn, Cached(note)).await?;
    Ok(MirrorOutcome::Mirrored(changes))
}

const NONE: MirroredCaps = MirroredCaps {
    flat_user: None,
    subscription: None,
    overrides: Vec::new(),
};

async fn set(
    conn: &AsyncPgConnection,
    scope: CapScope,
    caps: &MirroredCaps,
) -> StoreResult<MirrorChanges> {
    Ok(MirrorChanges {
        record: set_record(conn, scope, caps).await?,
        overrides: set_overrides(conn, scope, &caps.overrides).await?,
        removed: remove_others(conn, scope, &caps.overrides).await?,
    })
}

/// What is NULL was never set; what is included stays as it is.
const RECORD: &str = "\
INSERT INTO subscription_budget_caps AS c (scope_id, organization_id, flat_user_cap_micros, flat_user_cap_enabled, \
    subscription_cap_micros, subscription_cap_enabled) \
VALUES ($1, $2, $3, $4, $5, $6) \
ON CONFLICT (scope_id) DO UPDATE SET \
    flat_user_cap_micros = excluded.flat_user_cap_micros, flat_user_cap_enabled = excluded.flat_user_cap_enabled, \
    subscription_cap_micros = excluded.subscription_cap_micros, \
    subscription_cap_enabled = excluded.subscription_cap_enabled, updated_at = bursar_now() \
WHERE (c.flat_user_cap_micros, c.flat_user_cap_enabled, c.subscription_cap_micros, c.subscription_cap_enabled) \
    IS DISTINCT FROM (excluded.flat_user_cap_micros, excluded.flat_user_cap_enabled, \
        excluded.subscription_cap_micros, excluded.subscription_cap_enabled)";

/// Whether it was another one.
///
/// Where counting begins anew, whoever counts holds the ledger's lock alone, as when caps are set here.
async fn set_record(
    conn: &AsyncPgConnection,
    scope: CapScope,
    new: &MirroredCaps,
) -> StoreResult<bool> {
    let old = cap_get(conn, scope).await?;
    let same = |old: &SubscriptionCaps| {
        (old.flat_user, old.subscription) == (new.flat_user, new.subscription)
    };
    if old.as_ref().is_some_and(same) {
        return Ok(false);
    }
    let counted = |caps: &SubscriptionCaps| caps.subscription.is_some();
    if old.as_ref().map(counted) != Some(new.subscription.is_some()) {
        lock_ledger(conn).await?;
    }
    let amount = |cap: Option<Cap>| cap.map(|cap| cap.amount.0);
    let enabled = |cap: Option<Cap>| cap.is_some_and(|cap| cap.enabled);
    let set = sql_query(RECORD)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Nullable<SqlUuid>, _>(scope.organization().map(|organization| organization.0))
        .bind::<Nullable<BigInt>, _>(amount(new.flat_user))
        .bind::<Bool, _>(enabled(new.flat_user))
        .bind::<Nullable<BigInt>, _>(amount(new.subscription))
        .bind::<Bool, _>(enabled(new.subscription));
    Ok(run(conn, Cached(set)).await? > 0)
}

/// Those that differ, in the order of their people's ids; their accounts are kept from being removed, and who has none
/// is passed over. What a disabled one means stays as it is, also for one that was gone in between. When it was set is ours to say where that is not told.
const OVERRIDES: &str = "\
WITH read AS MATERIALIZED ( \
    SELECT * FROM unnest($2, $3, $4, $5, $6) AS a (user_id, cap_micros, enabled, created_at, updated_at)), \
differing AS MATERIALIZED ( \
    SELECT a.* FROM read AS a \
    LEFT JOIN user_budget_cap_overrides AS o ON o.scope_id = $1 AND o.user_id = a.user_id \
    WHERE (o.cap_micros, o.enabled) IS DISTINCT FROM (a.cap_micros, a.enabled)), \
people AS MATERIALIZED ( \
    SELECT u.id FROM users AS u WHERE u.id IN (SELECT user_id FROM differing) AND NOT u.deleted \
    ORDER BY u.id FOR KEY SHARE OF u) \
INSERT INTO user_budget_cap_overrides AS o \
    (scope_id, user_id, cap_micros, enabled, disabled_mode, created_at, updated_at) \
SELECT $1, d.user_id, d.cap_micros, d.enabled, \
    CASE WHEN d.user_id = ANY (m.inheriting) THEN 'inherit' ELSE 'exempt' END, \
    coalesce(d.created_at, bursar_now()), coalesce(d.updated_at, bursar_now()) \
FROM differing AS d JOIN people AS p ON p.id = d.user_id JOIN budget_cap_mirrors AS m ON m.scope_id = $1 \
ORDER BY d.user_id \
ON CONFLICT (scope_id, user_id) DO UPDATE SET cap_micros = excluded.cap_micros, enabled = excluded.enabled, \
    created_at = coalesce((SELECT d.created_at FROM differing AS d WHERE d.user_id = o.user_id), o.created_at), \
    updated_at = excluded.updated_at";

/// How many were made or changed.
async fn set_overrides(
    conn: &AsyncPgConnection,
    scope: CapScope,
    read: &[MirroredOverride],
) -> StoreResult<u64> {
    let each = read.iter();
    let set = sql_query(OVERRIDES)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Array<SqlUuid>, _>(ids(read))
        .bind::<Array<BigInt>, _>(collect(each.clone().map(|one| one.cap.amount.0)))
        .bind::<Array<Bool>, _>(collect(each.clone().map(|one| one.cap.enabled)))
        .bind::<Array<Nullable<Timestamptz>>, _>(collect(each.clone().map(|one| one.created_at)))
        .bind::<Array<Nullable<Timestamptz>>, _>(collect(each.map(|one| one.updated_at)));
    run(conn, Cached(set)).await.map(changed)
}

/// Those of nobody who was read of, in the order of their people's ids. What they meant is kept: a row that the upstream
/// system leaves out once is not to come back as another.
const REMOVE_OTHERS: &str = "\
WITH gone AS ( \
    DELETE FROM user_budget_cap_overrides WHERE scope_id = $1 AND user_id IN ( \
        SELECT o.user_id FROM user_budget_cap_overrides AS o WHERE o.scope_id = $1 AND o.user_id <> ALL ($2) \
        ORDER BY o.user_id FOR UPDATE) \
    RETURNING user_id, disabled_mode), \
kept AS ( \
    UPDATE budget_cap_mirrors AS m SET inheriting = ARRAY( \
        SELECT i.user_id FROM unnest(m.inheriting) AS i (user_id) WHERE i.user_id NOT IN (SELECT user_id FROM gone) \
        UNION ALL SELECT user_id FROM gone WHERE disabled_mode = 'inherit') \
    WHERE m.scope_id = $1 AND EXISTS (SELECT FROM gone)) \
SELECT count(*) AS count FROM gone";

#[derive(QueryableByName)]
struct GoneRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn remove_others(
    conn: &AsyncPgConnection,
    scope: CapScope,
    read: &[MirroredOverride],
) -> StoreResult<u64> {
    let remove = sql_query(REMOVE_OTHERS)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Array<SqlUuid>, _>(ids(read));
    let gone: GoneRow = one(conn, Cached(remove)).await?;
    Ok(gone.count.unsigned_abs())
}

fn ids(read: &[MirroredOverride]) -> Vec<Uuid> {
    collect(read.iter().map(|one| one.user_id.0))
}

fn collect<T>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect()
}
