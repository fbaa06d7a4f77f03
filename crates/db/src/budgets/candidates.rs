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
    Micros, OrganizationId, UserId,
    budgets::{
        BudgetCandidate, BudgetPolicy, Candidates, EveryoneBudget, FallbackCandidate,
        OverrideCandidate, Resolution, resolve,
    },
};
use store::StoreResult;
use uuid::Uuid;

use crate::query::{Cached, parse, rows};

/// A membership in a living organization, with the budget of its Everyone group.
#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = Bool)]
    default: bool,
    #[diesel(sql_type = Timestamptz)]
    joined_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<BigInt>)]
    spend_limit_micros: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    mode: Option<String>,
}

const PLACES: &str = "\
SELECT m.user_id, m.organization_id, o.\"default\", m.created_at AS joined_at, b.spend_limit_micros, b.mode \
FROM unnest($1) AS u (id) JOIN organization_members AS m ON m.user_id = u.id \
JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
LEFT JOIN group_ai_budgets AS b ON b.group_id = m.organization_id";

/// The budget of a group that a person was put into.
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
}

const BUDGETS: &str = "\
SELECT g.user_id, g.group_id, g.organization_id, b.spend_limit_micros, b.mode \
FROM unnest($1) AS u (id) JOIN group_members AS g ON g.user_id = u.id \
JOIN group_ai_budgets AS b ON b.group_id = g.group_id";

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
FROM unnest($1) AS u (id) JOIN user_ai_budget_overrides AS o ON o.user_id = u.id";

/// What holds for each of these people at an instant, by this policy: as [`candidates`], decided by the one rule.
pub(crate) async fn resolutions(
    conn: &AsyncPgConnection,
    people: &[UserId],
    (policy, everyone): (BudgetPolicy, EveryoneBudget),
    now: DateTime<Utc>,
) -> StoreResult<BTreeMap<UserId, Resolution>> {
    let found = candidates(conn, people).await?;
    let resolved = |(user, candidates)| (user, resolve(policy, everyone, &candidates, now));
    Ok(found.into_iter().map(resolved).collect())
}

/// What the rule looks at for each of these people, in one round trip; each has an entry, in no order within.
pub(crate) async fn candidates(
    conn: &AsyncPgConnection,
    people: &[UserId],
) -> StoreResult<BTreeMap<UserId, Candidates>> {
    let mut found: BTreeMap<UserId, Candidates> = people
        .iter()
        .map(|user| (*user, Candidates::default()))
        .collect();
    if found.is_empty() {
        return Ok(found);
    }
    let ids: Vec<Uuid> = found.keys().map(|user| user.0).collect();
    let of = |text: &'static str| Cached(sql_query(text).bind::<Array<SqlUuid>, _>(ids.clone()));
    let (places, budgets, overrides) = try_join3(
        rows::<_, PlaceRow>(conn, of(PLACES)),
        rows::<_, BudgetRow>(conn, of(BUDGETS)),
        rows::<_, OverrideRow>(conn, of(OVERRIDES)),
    )
    .await?;
    for row in &places {
        add_place(found.entry(row.user_id.into()).or_default(), row)?;
    }
    for row in &budgets {
        add_budget(found.entry(row.user_id.into()).or_default(), row)?;
    }
    for row in &overrides {
        add_override(found.entry(row.user_id.into()).or_default(), row)?;
    }
    Ok(found)
}

fn add_place(candidates: &mut Candidates, row: &PlaceRow) -> StoreResult<()> {
    let organization_id = OrganizationId(row.organization_id);
    candidates.fallbacks.push(FallbackCandidate {
        organization_id,
        default: row.default,
        joined_at: row.joined_at,
    });
    if let (Some(limit), Some(mode)) = (row.spend_limit_micros, &row.mode) {
        candidates.groups.push(BudgetCandidate {
            group_id: organization_id.everyone(),
            organization_id,
            spend_limit: Micros(limit),
            mode: parse("group_ai_budgets.mode", mode)?,
            joined_at: row.joined_at,
        });
    }
    Ok(())
}

/// The person's place in an organization, if it lives: nothing of another counts.
fn place(candidates: &Candidates, organization: Uuid) -> Option<FallbackCandidate> {
    let mut places = candidates.fallbacks.iter();
    places
        .find(|place| place.organization_id.0 == organization)
        .copied()
}

fn add_budget(candidates: &mut Candidates, row: &BudgetRow) -> StoreResult<()> {
    if let Some(place) = place(candidates, row.organization_id) {
        candidates.groups.push(BudgetCandidate {
            group_id: row.group_id.into(),
            organization_id: place.organization_id,
            spend_limit: Micros(row.spend_limit_micros),
            mode: parse("group_ai_budgets.mode", &row.mode)?,
            joined_at: place.joined_at,
        });
    }
    Ok(())
}

fn add_override(candidates: &mut Candidates, row: &OverrideRow) -> StoreResult<()> {
    if let Some(place) = place(candidates, row.organization_id) {
        candidates.person = Some(OverrideCandidate {
            group_id: row.group_id.into(),
            organization_id: place.organization_id,
            spend_limit: Micros(row.spend_limit_micros),
            mode: parse("user_ai_budget_overrides.mode", &row.mode)?,
            expires_at: row.expires_at,
        });
    }
    Ok(())
}
