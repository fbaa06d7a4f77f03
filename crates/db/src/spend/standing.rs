//! What limit holds for a person now, and whom spend is charged to.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::{try_join, try_join3};
use model::{
    GroupId, Micros, OrganizationId, UserId,
    budgets::{
        BudgetCandidate, EffectiveBudget, FallbackCandidate, effective_budget, fallback_group,
    },
    spend::{Period, SpendState},
};
use store::StoreResult;
use uuid::Uuid;

use super::counter::Counter;
use crate::query::{Cached, one, rows};

/// The limit that holds for a person, and where spend goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    budget: Option<EffectiveBudget>,
    group: Option<GroupId>,
    organization: Option<OrganizationId>,
    now: DateTime<Utc>,
}

impl Standing {
    /// The state of a person's spend under a counter.
    pub(super) fn state(&self, counter: &Counter) -> SpendState {
        self.with(counter.period, counter.spent, counter.reserved)
    }

    const fn with(&self, period: Period, spent: Micros, reserved: Micros) -> SpendState {
        SpendState {
            budget: self.budget,
            group_id: self.group,
            organization_id: self.organization,
            spent,
            reserved,
            period,
            now: self.now,
        }
    }
}

#[derive(QueryableByName)]
struct BudgetRow {
    #[diesel(sql_type = SqlUuid)]
    group_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = BigInt)]
    spend_limit_micros: i64,
    #[diesel(sql_type = Timestamptz)]
    joined_at: DateTime<Utc>,
}

const BUDGETS: &str = "\
SELECT b.group_id, b.organization_id, b.spend_limit_micros, m.created_at AS joined_at \
FROM group_members_expanded AS g \
JOIN group_ai_budgets AS b ON b.group_id = g.group_id \
JOIN organizations AS o ON o.id = g.organization_id AND NOT o.deleted \
JOIN organization_members AS m ON m.organization_id = g.organization_id AND m.user_id = g.user_id \
WHERE g.user_id = $1";

#[derive(QueryableByName)]
struct FallbackRow {
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = Bool)]
    default: bool,
    #[diesel(sql_type = Timestamptz)]
    joined_at: DateTime<Utc>,
}

const FALLBACKS: &str = "\
SELECT o.id AS organization_id, o.\"default\", m.created_at AS joined_at \
FROM organization_members AS m JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
WHERE m.user_id = $1";

#[derive(QueryableByName)]
struct NowRow {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// A person's standing, read by statements of its own: sent after a lock was asked for, they see what was
/// committed before the lock was had.
pub(super) async fn standing(conn: &AsyncPgConnection, user: UserId) -> StoreResult<Standing> {
    let budgets = sql_query(BUDGETS).bind::<SqlUuid, _>(user.0);
    let fallbacks = sql_query(FALLBACKS).bind::<SqlUuid, _>(user.0);
    let now = sql_query("SELECT bursar_now() AS now");
    let (budgets, fallbacks, now) = try_join3(
        rows::<_, BudgetRow>(conn, Cached(budgets)),
        rows::<_, FallbackRow>(conn, Cached(fallbacks)),
        one::<_, NowRow>(conn, Cached(now)),
    )
    .await?;
    let budgets: Vec<_> = budgets.iter().map(budget_candidate).collect();
    let fallbacks: Vec<_> = fallbacks.iter().map(fallback_candidate).collect();
    let budget = effective_budget(&budgets);
    let (group, organization) = match budget {
        Some(budget) => {
            let chosen = budgets.iter().find(|one| one.group_id == budget.group_id);
            (Some(budget.group_id), chosen.map(|one| one.organization_id))
        }
        // An Everyone group has its organization's id.
        None => {
            let group = fallback_group(&fallbacks);
            (group, group.map(|group| OrganizationId(group.0)))
        }
    };
    Ok(Standing {
        budget,
        group,
        organization,
        now: now.now,
    })
}

fn budget_candidate(row: &BudgetRow) -> BudgetCandidate {
    BudgetCandidate {
        group_id: row.group_id.into(),
        organization_id: row.organization_id.into(),
        spend_limit: Micros(row.spend_limit_micros),
        joined_at: row.joined_at,
    }
}

fn fallback_candidate(row: &FallbackRow) -> FallbackCandidate {
    FallbackCandidate {
        organization_id: row.organization_id.into(),
        default: row.default,
        joined_at: row.joined_at,
    }
}

#[derive(QueryableByName)]
struct SpendRow {
    #[diesel(sql_type = Timestamptz)]
    period_start: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    period_end: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    spent_micros: i64,
    #[diesel(sql_type = BigInt)]
    reserved_micros: i64,
}

const SPEND: &str = "\
SELECT bursar_period_start(t.now) AS period_start, bursar_period_end(t.now) AS period_end, \
    coalesce(c.spent_micros, 0) AS spent_micros, coalesce(c.reserved_micros, 0) AS reserved_micros \
FROM (SELECT bursar_now() AS now) AS t \
LEFT JOIN spend_counters AS c ON c.limit_kind = 'user' AND c.limit_id = $1 \
    AND c.period_start = bursar_period_start(t.now)";

/// What holds for a person at this instant, without a lock.
pub(super) async fn spend_get(conn: &AsyncPgConnection, user: UserId) -> StoreResult<SpendState> {
    let spend = sql_query(SPEND).bind::<SqlUuid, _>(user.0);
    let (standing, spend) = try_join(
        standing(conn, user),
        one::<_, SpendRow>(conn, Cached(spend)),
    )
    .await?;
    let period = Period {
        start: spend.period_start,
        end: spend.period_end,
    };
    Ok(standing.with(
        period,
        Micros(spend.spent_micros),
        Micros(spend.reserved_micros),
    ))
}
