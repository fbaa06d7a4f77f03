//! What is set for a subscription as a whole: one row for each.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    Micros,
    caps::{Cap, CapScope, SubscriptionCapUpsert, SubscriptionCaps},
};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{
    budgets::TIME_TO_COUNT,
    query::{Cached, row, run, run_on_one},
};

const GET: &str = "\
SELECT scope_id, flat_user_cap_micros, flat_user_cap_enabled, subscription_cap_micros, subscription_cap_enabled, \
    included_micros, created_at, updated_at \
FROM subscription_budget_caps WHERE scope_id = $1";

const LOCK: &str = "\
SELECT scope_id, flat_user_cap_micros, flat_user_cap_enabled, subscription_cap_micros, subscription_cap_enabled, \
    included_micros, created_at, updated_at \
FROM subscription_budget_caps WHERE scope_id = $1 FOR UPDATE";

#[derive(QueryableByName)]
struct CapRow {
    #[diesel(sql_type = SqlUuid)]
    scope_id: Uuid,
    #[diesel(sql_type = Nullable<BigInt>)]
    flat_user_cap_micros: Option<i64>,
    #[diesel(sql_type = Bool)]
    flat_user_cap_enabled: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    subscription_cap_micros: Option<i64>,
    #[diesel(sql_type = Bool)]
    subscription_cap_enabled: bool,
    #[diesel(sql_type = BigInt)]
    included_micros: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

/// A stored cap; none that was never set.
pub(crate) fn cap(micros: Option<i64>, enabled: bool) -> Option<Cap> {
    micros.map(|micros| Cap {
        amount: Micros(micros),
        enabled,
    })
}

impl CapRow {
    fn caps(self) -> SubscriptionCaps {
        SubscriptionCaps {
            scope: CapScope::of(self.scope_id),
            flat_user: cap(self.flat_user_cap_micros, self.flat_user_cap_enabled),
            subscription: cap(self.subscription_cap_micros, self.subscription_cap_enabled),
            included: Micros(self.included_micros),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

async fn read(
    conn: &AsyncPgConnection,
    scope: CapScope,
    text: &'static str,
) -> StoreResult<Option<SubscriptionCaps>> {
    let query = Cached(sql_query(text).bind::<SqlUuid, _>(scope.id()));
    let found: Option<CapRow> = row(conn, query).await?;
    Ok(found.map(CapRow::caps))
}

pub(crate) async fn cap_get(
    conn: &AsyncPgConnection,
    scope: CapScope,
) -> StoreResult<Option<SubscriptionCaps>> {
    read(conn, scope, GET).await
}

pub(super) async fn cap_lock(
    conn: &AsyncPgConnection,
    scope: CapScope,
) -> StoreResult<Option<SubscriptionCaps>> {
    read(conn, scope, LOCK).await
}

/// Caps do not meet an organization that is being deleted.
pub(crate) const LOCK_ORGANIZATION: &str =
    "SELECT FROM organizations WHERE id = $1 AND NOT deleted FOR KEY SHARE";

/// What is NULL stays as it is. Equal caps are left alone.
const UPSERT: &str = "\
INSERT INTO subscription_budget_caps AS c (scope_id, organization_id, flat_user_cap_micros, flat_user_cap_enabled, \
    subscription_cap_micros, subscription_cap_enabled, included_micros) \
VALUES ($1, $2, $3, coalesce($4, false), $5, coalesce($6, false), coalesce($7, 0)) \
ON CONFLICT (scope_id) DO UPDATE SET \
    flat_user_cap_micros = coalesce($3, c.flat_user_cap_micros), \
    flat_user_cap_enabled = coalesce($4, c.flat_user_cap_enabled), \
    subscription_cap_micros = coalesce($5, c.subscription_cap_micros), \
    subscription_cap_enabled = coalesce($6, c.subscription_cap_enabled), \
    included_micros = coalesce($7, c.included_micros), updated_at = bursar_now() \
WHERE (c.flat_user_cap_micros, c.flat_user_cap_enabled, c.subscription_cap_micros, c.subscription_cap_enabled, \
    c.included_micros) IS DISTINCT FROM (coalesce($3, c.flat_user_cap_micros), \
    coalesce($4, c.flat_user_cap_enabled), coalesce($5, c.subscription_cap_micros), \
    coalesce($6, c.subscription_cap_enabled), coalesce($7, c.included_micros))";

/// Sets what is given, and makes the record where there is none.
///
/// Where counting begins, whoever counts holds the ledger's lock alone: it comes before the record's row, as
/// everywhere, and after the organization's, which ends with all that is in it.
pub(super) async fn upsert(
    conn: &AsyncPgConnection,
    scope: CapScope,
    flat: Option<Cap>,
    rest: &SubscriptionCapUpsert,
) -> StoreResult<SubscriptionCaps> {
    if let Some(organization) = scope.organization() {
        let lock = sql_query(LOCK_ORGANIZATION).bind::<SqlUuid, _>(organization.0);
        run_on_one(conn, Cached(lock)).await?;
    }
    if counts_anew(cap_get(conn, scope).await?.as_ref(), rest) {
        lock_ledger(conn).await?;
    }
    let amount = |cap: Option<Cap>| cap.map(|cap| cap.amount.0);
    let enabled = |cap: Option<Cap>| cap.map(|cap| cap.enabled);
    let upsert = sql_query(UPSERT)
        .bind::<SqlUuid, _>(scope.id())
        .bind::<Nullable<SqlUuid>, _>(scope.organization().map(|organization| organization.0))
        .bind::<Nullable<BigInt>, _>(amount(flat))
        .bind::<Nullable<Bool>, _>(enabled(flat))
        .bind::<Nullable<BigInt>, _>(amount(rest.cap))
        .bind::<Nullable<Bool>, _>(enabled(rest.cap))
        .bind::<Nullable<BigInt>, _>(rest.included.map(|included| included.0));
    run(conn, Cached(upsert)).await?;
    cap_get(conn, scope).await?.ok_or(StoreError::NotFound)
}

/// Takes the ledger's lock, before counting begins anew.
pub(crate) async fn lock_ledger(conn: &AsyncPgConnection) -> StoreResult<()> {
    run(conn, Cached(sql_query(TIME_TO_COUNT))).await?;
    let lock = sql_query("SELECT bursar_lock_ledger()");
    run(conn, Cached(lock)).await.map(drop)
}

/// Whether spend may be counted otherwise from now on: under a record that begins, a subscription's cap that does, or
/// with something else included, which is not known before the row is locked.
fn counts_anew(old: Option<&SubscriptionCaps>, new: &SubscriptionCapUpsert) -> bool {
    let Some(old) = old else {
        return true;
    };
    new.included.is_some() || new.cap.is_some() && old.subscription.is_none()
}
