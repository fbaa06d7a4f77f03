//! What was charged to groups, and what their people may spend.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    GroupId, Micros, OrganizationId, UserId,
    spend::{Period, PoolState},
    spend_reports::{GroupSpend, GroupSpendReport, total_limit},
};
use rbac::Visibility;
use store::StoreResult;
use uuid::Uuid;

use super::{
    Present, charged,
    people::{CHUNK, resolutions},
    present,
};
use crate::{
    groups::COLUMNS,
    query::{Cached, parse, rows},
    schema::{groups, organizations},
    visibility::Visible,
};

pub(super) async fn group_spend_get(
    conn: &AsyncPgConnection,
    group: GroupId,
) -> StoreResult<GroupSpendReport> {
    let found = groups::table
        .inner_join(organizations::table)
        .filter(organizations::deleted.eq(false))
        .filter(groups::id.eq(group.0))
        .select((groups::id, groups::organization_id));
    let (found, present) = try_join(rows::<_, (Uuid, Uuid)>(conn, found), present(conn)).await?;
    match found.as_slice() {
        [(id, organization)] => {
            report(conn, present, OrganizationId(*organization), vec![*id]).await
        }
        _ => Ok(GroupSpendReport {
            period: present.period,
            groups: Vec::new(),
        }),
    }
}

pub(super) async fn organization_group_spend_list(
    conn: &AsyncPgConnection,
    organization: OrganizationId,
    wanted: &[GroupId],
    visibility: &Visibility,
) -> StoreResult<GroupSpendReport> {
    let wanted: Vec<Uuid> = wanted.iter().map(|id| id.0).collect();
    let found = groups::table
        .inner_join(organizations::table)
        .filter(organizations::deleted.eq(false))
        .filter(groups::organization_id.eq(organization.0))
        .filter(groups::id.eq_any(wanted))
        .filter(Visible::new(visibility, &COLUMNS))
        .order(groups::id)
        .select(groups::id);
    let (found, present) = try_join(rows(conn, found), present(conn)).await?;
    report(conn, present, organization, found).await
}

/// A group's budget as it is now, with the counter of its pool.
#[derive(QueryableByName)]
struct BudgetRow {
    #[diesel(sql_type = SqlUuid)]
    group_id: Uuid,
    #[diesel(sql_type = BigInt)]
    spend_limit_micros: i64,
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pool_limit_micros: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    period_start: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    period_end: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    spent_micros: i64,
    #[diesel(sql_type = BigInt)]
    reserved_micros: i64,
}

const BUDGETS: &str = "\
SELECT b.group_id, b.spend_limit_micros, b.mode, b.pool_limit_micros, p.period_start, p.period_end, \
    coalesce(c.spent_micros, 0) AS spent_micros, coalesce(c.reserved_micros, 0) AS reserved_micros \
FROM group_ai_budgets AS b CROSS JOIN ai_budget_settings AS s \
LEFT JOIN LATERAL bursar_period($2, coalesce(b.pool_period, s.period), coalesce(b.pool_time_zone, s.time_zone)) \
    AS p ON b.pool_limit_micros IS NOT NULL \
LEFT JOIN spend_counters AS c ON c.limit_id = b.group_id AND c.period_start = p.period_start \
    AND c.limit_kind = 'pool' AND c.scope_id = '00000000-0000-0000-0000-000000000000' \
WHERE b.group_id = ANY ($1)";

impl BudgetRow {
    fn pool(&self) -> StoreResult<Option<PoolState>> {
        let (Some(limit), Some(start), Some(end)) =
            (self.pool_limit_micros, self.period_start, self.period_end)
        else {
            return Ok(None);
        };
        Ok(Some(PoolState {
            group_id: GroupId(self.group_id),
            limit: Micros(limit),
            mode: parse("group_ai_budgets.mode", &self.mode)?,
            spent: Micros(self.spent_micros),
            reserved: Micros(self.reserved_micros),
            period: Period { start, end },
        }))
    }
}

/// The report about groups of one organization, in their order.
async fn report(
    conn: &AsyncPgConnection,
    present: Present,
    organization: OrganizationId,
    found: Vec<Uuid>,
) -> StoreResult<GroupSpendReport> {
    let ids: Vec<GroupId> = found.iter().copied().map(GroupId).collect();
    let within = (organization, present.period);
    let budgets = sql_query(BUDGETS)
        .bind::<Array<SqlUuid>, _>(found)
        .bind::<Timestamptz, _>(present.now);
    let (budgets, spent) = try_join(
        rows::<_, BudgetRow>(conn, Cached(budgets)),
        charged::to_groups(conn, &ids, within),
    )
    .await?;
    let budgets: BTreeMap<GroupId, BudgetRow> = budgets
        .into_iter()
        .map(|row| (GroupId(row.group_id), row))
        .collect();
    let budgeted: Vec<GroupId> = budgets.keys().copied().collect();
    let totals = totals(conn, &present, &budgeted).await?;
    let mut groups = Vec::with_capacity(ids.len());
    for id in ids {
        let budget = budgets.get(&id);
        groups.push(GroupSpend {
            group_id: id,
            spend_limit: budget.map(|row| Micros(row.spend_limit_micros)),
            total_spend_limit: totals.get(&id).copied(),
            spent: spent.get(&id).copied().unwrap_or_default(),
            pool: budget.map(BudgetRow::pool).transpose()?.flatten(),
        });
    }
    Ok(GroupSpendReport {
        period: present.period,
        groups,
    })
}

const PEOPLE: &str = "\
SELECT DISTINCT m.user_id FROM group_members_expanded AS m JOIN users AS u ON u.id = m.user_id AND NOT u.deleted \
WHERE m.group_id = ANY ($1)";

#[derive(QueryableByName)]
struct PersonRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
}

/// What the people charged to each of these groups may spend together. Whoever is charged to a group is in it.
async fn totals(
    conn: &AsyncPgConnection,
    present: &Present,
    groups: &[GroupId],
) -> StoreResult<BTreeMap<GroupId, Micros>> {
    let mut totals: BTreeMap<GroupId, Micros> =
        groups.iter().map(|group| (*group, Micros::ZERO)).collect();
    if totals.is_empty() {
        return Ok(totals);
    }
    let ids: Vec<Uuid> = groups.iter().map(|group| group.0).collect();
    let people = sql_query(PEOPLE).bind::<Array<SqlUuid>, _>(ids);
    let people: Vec<PersonRow> = rows(conn, Cached(people)).await?;
    let people: Vec<UserId> = people.iter().map(|row| UserId(row.user_id)).collect();
    for some in people.chunks(CHUNK) {
        let resolved = resolutions(conn, present, some).await?;
        for (group, total) in &mut totals {
            *total = total.saturating_add(total_limit(*group, resolved.values()));
        }
    }
    Ok(totals)
}
