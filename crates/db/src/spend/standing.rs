//! What limit holds for a person now, and whom spend is charged to.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::{try_join, try_join3};
use model::{
    GroupId, Micros, OrganizationId, UserId,
    budgets::{Considered, EffectiveBudget, resolve},
    spend::{Period, SpendState, SpendView},
};
use store::StoreResult;

use super::counter::Counter;
use crate::{
    budgets::{candidates, settings},
    query::{Cached, one},
};

/// The limit that holds for a person, and where spend goes.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    budget: Option<EffectiveBudget>,
    group: Option<GroupId>,
    organization: Option<OrganizationId>,
    now: DateTime<Utc>,
    considered: Vec<Considered>,
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
struct NowRow {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// A person's standing, read by statements of its own: sent after a lock was asked for, they see what was
/// committed before the lock was had.
pub(super) async fn standing(conn: &AsyncPgConnection, user: UserId) -> StoreResult<Standing> {
    let now = sql_query("SELECT bursar_now() AS now");
    let users = [user.0];
    let (mut candidates, settings, now) = try_join3(
        candidates(conn, &users),
        settings(conn),
        one::<_, NowRow>(conn, Cached(now)),
    )
    .await?;
    let candidates = candidates.remove(&user).unwrap_or_default();
    let resolution = resolve(settings.policy, settings.everyone, &candidates, now.now);
    Ok(Standing {
        budget: resolution.enforced,
        group: resolution.group_id,
        organization: resolution.organization_id,
        now: now.now,
        considered: resolution.considered,
    })
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
pub(super) async fn spend_get(conn: &AsyncPgConnection, user: UserId) -> StoreResult<SpendView> {
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
    let (spent, reserved) = (Micros(spend.spent_micros), Micros(spend.reserved_micros));
    Ok(SpendView {
        state: standing.with(period, spent, reserved),
        considered: standing.considered,
    })
}
