//! The instant that a batch belongs to, and the periods that it touches: all of them from SQL.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::{try_join, try_join3};
use model::{
    GroupId, Micros,
    budgets::{BudgetMode, BudgetPolicy, EveryoneBudget},
    caps::CapTrust,
    spend::Period,
};
use store::StoreResult;
use uuid::Uuid;

use super::{caps::Caps, sql};
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
    /// Groups that were asked for and have none.
    without: BTreeSet<GroupId>,
    /// Whether there is any.
    any_pool: bool,
    /// Whether any caps are set.
    pub(super) any_cap: bool,
    /// How far caps are trusted that are mirrored here; `None` where they live here.
    pub(super) cap_trust: Option<CapTrust>,
    /// The caps that may count, once they were asked for.
    pub(super) caps: Caps,
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

    /// Asks for the pools of further groups, those that are not known: rarely any, and none where there is none at all.
    pub(super) async fn learn_pools(
        &mut self,
        conn: &AsyncPgConnection,
        groups: impl Iterator<Item = GroupId>,
    ) -> StoreResult<()> {
        if !self.any_pool {
            return Ok(());
        }
        let known =
            |group: &GroupId| self.pools.contains_key(group) || self.without.contains(group);
        let groups: BTreeSet<GroupId> = groups.filter(|group| !known(group)).collect();
        let found = pools(conn, &groups, Some(self.now)).await?;
        self.add_pools(&groups, found)
    }

    /// Reads again how limits are made of budgets, and what the known pools allow.
    pub(super) async fn renew(&mut self, conn: &AsyncPgConnection) -> StoreResult<()> {
        let groups = self.pools.keys().copied().collect();
        let (present, found) = try_join(
            one::<_, PresentRow>(conn, Cached(sql(PRESENT))),
            pools(conn, &groups, Some(self.now)),
        )
        .await?;
        let rules = calendar(present)?;
        (self.policy, self.everyone) = (rules.policy, rules.everyone);
        self.add_pools(&groups, found)
    }

    fn add_pools(&mut self, asked: &BTreeSet<GroupId>, found: Vec<PoolRow>) -> StoreResult<()> {
        for row in found {
            let pool = Pool {
                limit: Micros(row.pool_limit_micros),
                mode: parse("mode", &row.mode)?,
                reckoning: Reckoning {
                    kind: row.period,
                    zone: row.time_zone,
                },
            };
            self.add(pool.reckoning.clone(), row.of.period());
            self.pools.insert(row.group_id.into(), pool);
        }
        let without = asked.iter().filter(|group| !self.pools.contains_key(group));
        self.without.extend(without.copied());
        Ok(())
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
    /// Whether any caps are set.
    #[diesel(sql_type = Bool)]
    caps: bool,
}

const PRESENT: &str = "\
SELECT n.now, s.policy, s.everyone, s.period, s.time_zone, p.period_start, p.period_end, \
    EXISTS (SELECT 1 FROM group_ai_budgets WHERE pool_limit_micros IS NOT NULL) AS pools, \
    EXISTS (SELECT 1 FROM subscription_budget_caps) AS caps \
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

/// The pools of these groups, with their periods of an instant, or of the statement's own.
const POOLS: &str = "\
SELECT b.group_id, b.pool_limit_micros, b.mode, coalesce(b.pool_period, s.period) AS period, \
    coalesce(b.pool_time_zone, s.time_zone) AS time_zone, p.period_start, p.period_end \
FROM unnest($1) AS k (group_id) \
JOIN group_ai_budgets AS b ON b.group_id = k.group_id AND b.pool_limit_micros IS NOT NULL \
CROSS JOIN ai_budget_settings AS s \
CROSS JOIN LATERAL bursar_period( \
    coalesce($2, bursar_now()), coalesce(b.pool_period, s.period), coalesce(b.pool_time_zone, s.time_zone)) AS p";

/// Begins a batch: nobody counts anew until it ends, and locks are waited for as long as `lock_timeout_ms` says,
/// where 0 is for good. Returns the present with the pools of these groups.
pub(super) async fn begin(
    conn: &AsyncPgConnection,
    lock_timeout_ms: u32,
    groups: &BTreeSet<GroupId>,
) -> StoreResult<Calendar> {
    let begin = sql(BEGIN)
        .bind::<BigInt, _>(LEDGER_LOCK)
        .bind::<Text, _>(lock_timeout_ms.to_string());
    let (_, present, pools) = try_join3(
        run(conn, Cached(begin)),
        one::<_, PresentRow>(conn, Cached(sql(PRESENT))),
        pools(conn, groups, None),
    )
    .await?;
    let mut calendar = calendar(present)?;
    calendar.add_pools(groups, pools)?;
    // Each statement has an instant of its own: a period may have ended between the two.
    let now = calendar.now;
    let reckonings = calendar.pools.values().map(|pool| pool.reckoning.clone());
    let wanted = reckonings.map(|how| (how, now)).collect();
    calendar.learn(conn, &wanted).await?;
    Ok(calendar)
}

/// The present, without locks and without pools.
pub(super) async fn look(conn: &AsyncPgConnection) -> StoreResult<Calendar> {
    calendar(one(conn, Cached(sql(PRESENT))).await?)
}

async fn pools(
    conn: &AsyncPgConnection,
    groups: &BTreeSet<GroupId>,
    at: Option<DateTime<Utc>>,
) -> StoreResult<Vec<PoolRow>> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let groups: Vec<Uuid> = groups.iter().map(|id| id.0).collect();
    let pools = sql(POOLS)
        .bind::<Array<SqlUuid>, _>(groups)
        .bind::<Nullable<Timestamptz>, _>(at);
    rows(conn, Cached(pools)).await
}

fn calendar(present: PresentRow) -> StoreResult<Calendar> {
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
        without: BTreeSet::new(),
        any_pool: present.pools,
        any_cap: present.caps,
        cap_trust: None,
        caps: Caps::default(),
        periods: BTreeMap::new(),
    };
    calendar.add(people, present.of.period());
    Ok(calendar)
}
