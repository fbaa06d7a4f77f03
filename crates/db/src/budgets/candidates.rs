//! What the budget rule looks at, for many people at once. It is fetched here and decided nowhere in SQL.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join3;
use model::{
    Micros, UserId,
    budgets::{BudgetCandidate, Candidates, FallbackCandidate, OverrideCandidate},
};
use store::StoreResult;
use uuid::Uuid;

use crate::query::{Cached, parse, rows};

#[derive(QueryableByName)]
struct OverrideRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    group_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = BigInt)]
    spend_limit_micros: i64,
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
}

const OVERRIDES: &str = "\
SELECT o.user_id, o.group_id, o.organization_id, o.spend_limit_micros, o.mode, o.expires_at \
FROM user_ai_budget_overrides AS o \
JOIN organizations AS org ON org.id = o.organization_id AND NOT org.deleted \
WHERE o.user_id = ANY ($1)";

#[derive(QueryableByName)]
struct BudgetRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    group_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = BigInt)]
    spend_limit_micros: i64,
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = Timestamptz)]
    joined_at: DateTime<Utc>,
}

const BUDGETS: &str = "\
SELECT g.user_id, b.group_id, b.organization_id, b.spend_limit_micros, b.mode, m.created_at AS joined_at \
FROM group_members_expanded AS g \
JOIN group_ai_budgets AS b ON b.group_id = g.group_id \
JOIN organizations AS o ON o.id = g.organization_id AND NOT o.deleted \
JOIN organization_members AS m ON m.organization_id = g.organization_id AND m.user_id = g.user_id \
WHERE g.user_id = ANY ($1) ORDER BY g.user_id, b.group_id";

#[derive(QueryableByName)]
struct FallbackRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = Bool)]
    default: bool,
    #[diesel(sql_type = Timestamptz)]
    joined_at: DateTime<Utc>,
}

const FALLBACKS: &str = "\
SELECT m.user_id, o.id AS organization_id, o.\"default\", m.created_at AS joined_at \
FROM organization_members AS m JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
WHERE m.user_id = ANY ($1)";

/// What the rule looks at for each of these people, in one round trip. Every one of them has an entry. Sent
/// after a lock was asked for, the statements see what was committed before the lock was had.
pub(crate) async fn candidates(
    conn: &AsyncPgConnection,
    users: &[Uuid],
) -> StoreResult<BTreeMap<UserId, Candidates>> {
    let of = |text: &'static str| Cached(sql_query(text).bind::<Array<SqlUuid>, _>(users.to_vec()));
    let (overrides, budgets, fallbacks) = try_join3(
        rows::<_, OverrideRow>(conn, of(OVERRIDES)),
        rows::<_, BudgetRow>(conn, of(BUDGETS)),
        rows::<_, FallbackRow>(conn, of(FALLBACKS)),
    )
    .await?;
    let mut found: BTreeMap<UserId, Candidates> = users
        .iter()
        .map(|user| (UserId(*user), Candidates::default()))
        .collect();
    for row in &overrides {
        let person = OverrideCandidate {
            group_id: row.group_id.into(),
            organization_id: row.organization_id.into(),
            spend_limit: Micros(row.spend_limit_micros),
            mode: parse("user_ai_budget_overrides.mode", &row.mode)?,
            expires_at: row.expires_at,
        };
        found.entry(UserId(row.user_id)).or_default().person = Some(person);
    }
    for row in &budgets {
        let group = BudgetCandidate {
            group_id: row.group_id.into(),
            organization_id: row.organization_id.into(),
            spend_limit: Micros(row.spend_limit_micros),
            mode: parse("group_ai_budgets.mode", &row.mode)?,
            joined_at: row.joined_at,
        };
        let groups = &mut found.entry(UserId(row.user_id)).or_default().groups;
        groups.push(group);
    }
    for row in &fallbacks {
        let place = FallbackCandidate {
            organization_id: row.organization_id.into(),
            default: row.default,
            joined_at: row.joined_at,
        };
        let fallbacks = &mut found.entry(UserId(row.user_id)).or_default().fallbacks;
        fallbacks.push(place);
    }
    Ok(found)
}
