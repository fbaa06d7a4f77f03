//! Which budgets may hold for people, and whom their spend may be charged to: fetched here for many people at
//! once, decided by `model::budgets`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    GroupId, Micros, OrganizationId, UserId,
    budgets::{
        BudgetCandidate, EffectiveBudget, FallbackCandidate, effective_budget, fallback_group,
    },
    spend::LimitMode,
};
use store::StoreResult;
use uuid::Uuid;

use super::sql;
use crate::query::{Cached, parse, rows};

/// The limit that holds for a person, and where spend goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    pub(super) budget: Option<EffectiveBudget>,
    pub(super) mode: LimitMode,
    pub(super) group: Option<GroupId>,
    pub(super) organization: Option<OrganizationId>,
}

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

/// What may hold for one person.
#[derive(Default)]
struct Candidates {
    budgets: Vec<(BudgetCandidate, LimitMode)>,
    places: Vec<FallbackCandidate>,
}

impl Candidates {
    fn standing(&self) -> Standing {
        let budgets: Vec<BudgetCandidate> = self.budgets.iter().map(|(one, _)| *one).collect();
        let budget = effective_budget(&budgets);
        let chosen = budget.and_then(|budget| {
            let of = |(one, _): &&(BudgetCandidate, LimitMode)| one.group_id == budget.group_id;
            self.budgets.iter().find(of)
        });
        match chosen {
            Some((chosen, mode)) => Standing {
                budget,
                mode: *mode,
                group: Some(chosen.group_id),
                organization: Some(chosen.organization_id),
            },
            // An Everyone group has its organization's id.
            None => {
                let group = fallback_group(&self.places);
                Standing {
                    group,
                    organization: group.map(|group| OrganizationId(group.0)),
                    ..Standing::default()
                }
            }
        }
    }
}

/// Where people stand, read by statements of its own: sent after locks were asked for, they see what was
/// committed before the locks were had. Whoever is missing from the answer is in no organization.
pub(super) async fn standings(
    conn: &AsyncPgConnection,
    people: &[UserId],
) -> StoreResult<BTreeMap<UserId, Standing>> {
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Uuid> = people.iter().map(|id| id.0).collect();
    let places = sql(PLACES).bind::<Array<SqlUuid>, _>(ids.clone());
    let budgets = sql(BUDGETS).bind::<Array<SqlUuid>, _>(ids);
    let (places, budgets) = try_join(
        rows::<_, PlaceRow>(conn, Cached(places)),
        rows::<_, BudgetRow>(conn, Cached(budgets)),
    )
    .await?;
    let mut found: BTreeMap<UserId, Candidates> = BTreeMap::new();
    for row in &places {
        add_place(found.entry(row.user_id.into()).or_default(), row)?;
    }
    for row in &budgets {
        if let Some(candidates) = found.get_mut(&UserId(row.user_id)) {
            add_budget(candidates, row)?;
        }
    }
    let standing = |(user, candidates): (&UserId, &Candidates)| (*user, candidates.standing());
    Ok(found.iter().map(standing).collect())
}

fn add_place(candidates: &mut Candidates, row: &PlaceRow) -> StoreResult<()> {
    let organization_id = OrganizationId(row.organization_id);
    candidates.places.push(FallbackCandidate {
        organization_id,
        default: row.default,
        joined_at: row.joined_at,
    });
    if let (Some(limit), Some(mode)) = (row.spend_limit_micros, &row.mode) {
        let budget = BudgetCandidate {
            group_id: organization_id.everyone(),
            organization_id,
            spend_limit: Micros(limit),
            joined_at: row.joined_at,
        };
        candidates.budgets.push((budget, parse("mode", mode)?));
    }
    Ok(())
}

/// A budget counts in a living organization only.
fn add_budget(candidates: &mut Candidates, row: &BudgetRow) -> StoreResult<()> {
    let organization_id = OrganizationId(row.organization_id);
    let place = candidates
        .places
        .iter()
        .find(|place| place.organization_id == organization_id);
    if let Some(place) = place {
        let budget = BudgetCandidate {
            group_id: row.group_id.into(),
            organization_id,
            spend_limit: Micros(row.spend_limit_micros),
            joined_at: place.joined_at,
        };
        candidates.budgets.push((budget, parse("mode", &row.mode)?));
    }
    Ok(())
}
