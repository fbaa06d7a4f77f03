//! The instant that a batch belongs to, and the periods that it touches: all of them from SQL.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    GroupId, Micros, UserId,
    budgets::{BudgetMode, BudgetPolicy, EveryoneBudget},
    spend::Period,
};
use store::StoreResult;
use uuid::Uuid;

use super::sql;
use crate::{
    errors::internal,
    query::{Cached, one, parse, rows, run},
};

/// The lock that every batch holds shared; `bursar_lock_ledger` takes it exclusively.
const LEDGER_LOCK: i64 = 0x6275_6467_6574;

/// How a period is reckoned: its kind and time zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reckoning {
    kind: String,
    zone: String,
}

impl Reckoning {
    /// The kind of the period, as it is stored.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// The zone, by its IANA name.
    pub(super) fn zone(&self) -> &str {
        &self.zone
    }
}

/// A group's pool as it is now.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) limit: Micros,
    pub(super) mode: BudgetMode,
    pub(super) reckoning: Reckoning,
}

/// The present, and every period that was asked for.
#[derive(Debug)]
pub(super) struct Calendar {
    /// The instant of everything that this batch does.
    pub(super) now: DateTime<Utc>,
    /// How one limit is made of several budgets.
    pub(super) policy: BudgetPolicy,
    /// How the budgets of Everyone groups stand beside others.
    pub(super) everyone: EveryoneBudget,
    /// How the deployment reckons.
    pub(super) people: Reckoning,
    /// The pools that may be touched.
    pub(super) pools: BTreeMap<GroupId, Pool>,
    periods: BTreeMap<Reckoning, Vec<Period>>,
}

impl Calendar {
    /// The period of an instant that was asked for.
    pub(super) fn period(&self, how: &Reckoning, at: DateTime<Utc>) -> StoreResult<Period> {
        let found = self.find(how, at);
        found.ok_or_else(|| internal("a period is used that was not asked for"))
    }

    fn find(&self, how: &Reckoning, at: DateTime<Utc>) -> Option<Period> {
        let known = self.periods.get(how)?;
        let within = |period: &&Period| period.start <= at && at < period.end;
        known.iter().find(within).copied()
    }

    fn add(&mut self, how: Reckoning, period: Period) {
        self.periods.entry(how).or_default().push(period);
    }

    /// Asks for the periods of further instants, those that are not known: rarely any.
    pub(super) async fn learn(
        &mut self,
        conn: &AsyncPgConnection,
        wanted: &BTreeSet<(Reckoning, DateTime<Utc>)>,
    ) -> StoreResult<()> {
        for (how, at) in wanted {
            if self.find(how, *at).is_none() {
                let period = sql(PERIOD)
                    .bind::<Timestamptz, _>(*at)
                    .bind::<Text, _>(how.kind.clone())
                    .bind::<Text, _>(how.zone.clone());
                let found: PeriodRow = one(conn, Cached(period)).await?;
                self.add(how.clone(), found.period());
            }
        }
        Ok(())
    }
}

#[derive(QueryableByName)]
struct PeriodRow {
    #[diesel(sql_type = Timestamptz)]
    period_start: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    period_end: DateTime<Utc>,
}

impl PeriodRow {
    const fn period(&self) -> Period {
        Period {
            start: self.period_start,
            end: self.period_end,
        }
    }
}

const PERIOD: &str = "SELECT period_start, period_end FROM bursar_period($1, $2, $3)";

/// Plans must not depend on how full the tables were when they were made: each of these statements reads by key,
/// and a plan that scans, made while a table was small, would be ruinous later. A sort or a hash is no help
/// either.
const BEGIN: &str = "\
SELECT pg_advisory_xact_lock_shared($1), set_config('lock_timeout', $2, true), \
    set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), \
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), \
    set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)";

#[derive(QueryableByName)]
struct PresentRow {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    policy: String,
    #[diesel(sql_type = Text)]
    everyone: String,
    #[diesel(sql_type = Text)]
    period: String,
    #[diesel(sql_type = Text)]
    time_zone: String,
    #[diesel(embed)]
    of: PeriodRow,
    /// Whether there is any pool.
    #[diesel(sql_type = Bool)]
    pools: bool,
}

const PRESENT: &str = "\
SELECT n.now, s.policy, s.everyone, s.period, s.time_zone, p.period_start, p.period_end, \
    EXISTS (SELECT 1 FROM group_ai_budgets WHERE pool_limit_micros IS NOT NULL) AS pools \
FROM ai_budget_settings AS s CROSS JOIN (SELECT bursar_now() AS now) AS n \
CROSS JOIN LATERAL bursar_period(n.now, s.period, s.time_zone) AS p";

#[derive(QueryableByName)]
struct PoolRow {
    #[diesel(sql_type = SqlUuid)]
    group_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pool_limit_micros: i64,
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = Text)]
    period: String,
    #[diesel(sql_type = Text)]
    time_zone: String,
    #[diesel(embed)]
    of: PeriodRow,
}

/// The pools of these groups and of all groups of these people: more than what will be charged, which is not
/// decided here.
const POOLS: &str = "\
SELECT b.group_id, b.pool_limit_micros, b.mode, coalesce(b.pool_period, s.period) AS period, \
    coalesce(b.pool_time_zone, s.time_zone) AS time_zone, p.period_start, p.period_end \
FROM (SELECT g.group_id FROM unnest($1) AS u (id) JOIN group_members AS g ON g.user_id = u.id \
    UNION SELECT m.organization_id FROM unnest($1) AS u (id) \
        JOIN organization_members AS m ON m.user_id = u.id \
    UNION SELECT unnest($2)) AS k \
JOIN group_ai_budgets AS b ON b.group_id = k.group_id AND b.pool_limit_micros IS NOT NULL \
CROSS JOIN ai_budget_settings AS s \
CROSS JOIN LATERAL bursar_period( \
    bursar_now(), coalesce(b.pool_period, s.period), coalesce(b.pool_time_zone, s.time_zone)) AS p";

/// Begins a batch: nobody counts anew until it ends, and locks are waited for as long as `lock_timeout_ms` says,
/// where 0 is for good. Returns the present with the pools of these people's groups and of these groups.
pub(super) async fn begin(
    conn: &AsyncPgConnection,
    lock_timeout_ms: u32,
    people: &BTreeSet<UserId>,
    groups: &BTreeSet<GroupId>,
) -> StoreResult<Calendar> {
    let begin = sql(BEGIN)
        .bind::<BigInt, _>(LEDGER_LOCK)
        .bind::<Text, _>(lock_timeout_ms.to_string());
    let (_, present) = try_join(
        run(conn, Cached(begin)),
        one::<_, PresentRow>(conn, Cached(sql(PRESENT))),
    )
    .await?;
    let pools = pools(conn, &present, people, groups).await?;
    calendar(present, pools)
}

/// The present of these people, without locks.
pub(super) async fn look(
    conn: &AsyncPgConnection,
    people: &BTreeSet<UserId>,
) -> StoreResult<Calendar> {
    let present: PresentRow = one(conn, Cached(sql(PRESENT))).await?;
    let pools = pools(conn, &present, people, &BTreeSet::new()).await?;
    calendar(present, pools)
}

/// The pools that may be touched; where there is none at all, nothing is looked up.
async fn pools(
    conn: &AsyncPgConnection,
    present: &PresentRow,
    people: &BTreeSet<UserId>,
    groups: &BTreeSet<GroupId>,
) -> StoreResult<Vec<PoolRow>> {
    if !present.pools {
        return Ok(Vec::new());
    }
    let people: Vec<Uuid> = people.iter().map(|id| id.0).collect();
    let groups: Vec<Uuid> = groups.iter().map(|id| id.0).collect();
    let pools = sql(POOLS)
        .bind::<Array<SqlUuid>, _>(people)
        .bind::<Array<SqlUuid>, _>(groups);
    rows(conn, Cached(pools)).await
}

fn calendar(present: PresentRow, pools: Vec<PoolRow>) -> StoreResult<Calendar> {
    let people = Reckoning {
        kind: present.period,
        zone: present.time_zone,
    };
    let mut calendar = Calendar {
        now: present.now,
        policy: parse("ai_budget_settings.policy", &present.policy)?,
        everyone: parse("ai_budget_settings.everyone", &present.everyone)?,
        people: people.clone(),
        pools: BTreeMap::new(),
        periods: BTreeMap::new(),
    };
    calendar.add(people, present.of.period());
    for row in pools {
        let pool = Pool {
            limit: Micros(row.pool_limit_micros),
            mode: parse("mode", &row.mode)?,
            reckoning: Reckoning {
                kind: row.period,
                zone: row.time_zone,
            },
        };
        calendar.add(pool.reckoning.clone(), row.of.period());
        calendar.pools.insert(row.group_id.into(), pool);
    }
    Ok(calendar)
}
