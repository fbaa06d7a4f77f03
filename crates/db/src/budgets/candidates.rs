//! What the budget rule looks at, for many people at once. It is fetched here and decided nowhere in SQL.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
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

/// What a row tells of.
const PLACE: &str = "place";
const BUDGET: &str = "budget";
const OVERRIDE: &str = "override";

/// What the rule looks at.
#[derive(QueryableByName)]
struct CandidateRow {
    /// A membership in a living organization, with the budget of its Everyone group; the budget of a group that the
    /// person was put into; the person's override.
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    group_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    /// Whether the organization is the default one.
    #[diesel(sql_type = Bool)]
    default: bool,
    /// Of a membership.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    joined_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    spend_limit_micros: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    mode: Option<String>,
    /// Of an override.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
}

impl CandidateRow {
    fn limit(&self) -> Option<(Micros, &str)> {
        Some((Micros(self.spend_limit_micros?), self.mode.as_deref()?))
    }
}

/// In one statement: whoever is moved from one place to another at that moment is seen in one of the two.
const CANDIDATES: &str = "\
SELECT 'place' AS what, m.user_id, m.organization_id AS group_id, m.organization_id, o.\"default\", \
    m.created_at AS joined_at, b.spend_limit_micros, b.mode, NULL::timestamptz AS expires_at \
FROM unnest($1) AS u (id) JOIN organization_members AS m ON m.user_id = u.id \
JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
LEFT JOIN group_ai_budgets AS b ON b.group_id = m.organization_id \
UNION ALL \
SELECT 'budget', g.user_id, g.group_id, g.organization_id, false, NULL, b.spend_limit_micros, b.mode, NULL \
FROM unnest($1) AS u (id) JOIN group_members AS g ON g.user_id = u.id \
JOIN group_ai_budgets AS b ON b.group_id = g.group_id \
UNION ALL \
SELECT 'override', o.user_id, o.group_id, o.organization_id, false, NULL, o.spend_limit_micros, o.mode, o.expires_at \
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

/// What the rule looks at for each of these people; each has an entry, in no order within.
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
    let query = Cached(sql_query(CANDIDATES).bind::<Array<SqlUuid>, _>(ids));
    let rows: Vec<CandidateRow> = rows(conn, query).await?;
    // Places first: nothing counts that belongs to none.
    for (what, add) in ADD {
        for row in rows.iter().filter(|row| row.what == what) {
            add(found.entry(row.user_id.into()).or_default(), row)?;
        }
    }
    Ok(found)
}

type Add = fn(&mut Candidates, &CandidateRow) -> StoreResult<()>;

const ADD: [(&str, Add); 3] = [
    (PLACE, add_place),
    (BUDGET, add_budget),
    (OVERRIDE, add_override),
];

fn add_place(candidates: &mut Candidates, row: &CandidateRow) -> StoreResult<()> {
    let organization_id = OrganizationId(row.organization_id);
    let joined_at = row.joined_at.unwrap_or_default();
    candidates.fallbacks.push(FallbackCandidate {
        organization_id,
        default: row.default,
        joined_at,
    });
    if let Some((spend_limit, mode)) = row.limit() {
        candidates.groups.push(BudgetCandidate {
            group_id: organization_id.everyone(),
            organization_id,
            spend_limit,
            mode: parse("group_ai_budgets.mode", mode)?,
            joined_at,
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

fn add_budget(candidates: &mut Candidates, row: &CandidateRow) -> StoreResult<()> {
    let place = place(candidates, row.organization_id);
    if let (Some(place), Some((spend_limit, mode))) = (place, row.limit()) {
        candidates.groups.push(BudgetCandidate {
            group_id: row.group_id.into(),
            organization_id: place.organization_id,
            spend_limit,
            mode: parse("group_ai_budgets.mode", mode)?,
            joined_at: place.joined_at,
        });
    }
    Ok(())
}

fn add_override(candidates: &mut Candidates, row: &CandidateRow) -> StoreResult<()> {
    let place = place(candidates, row.organization_id);
    if let (Some(place), Some((spend_limit, mode))) = (place, row.limit()) {
        candidates.person = Some(OverrideCandidate {
            group_id: row.group_id.into(),
            organization_id: place.organization_id,
            spend_limit,
            mode: parse("user_ai_budget_overrides.mode", mode)?,
            expires_at: row.expires_at,
        });
    }
    Ok(())
}
