//! Limits as those see them who tell of thresholds: locked as the ledger locks them, and read after that.
//!
//! Whoever settles holds the counter when it notes that somebody must look. So whoever looks locks the counters
//! first, then removes what was noted, then reads: what is settled later is noted anew.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    GroupId, Micros, OrganizationId, UserId,
    alerts::AlertSource,
    budgets::{BudgetMode, BudgetPeriod, Resolution},
    spend::{LimitKey, LimitKind, Period},
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    Sql,
    calendar::{self, Calendar, Reckoning},
    candidates::resolutions,
    counter::{self, Key},
    sql,
};
use crate::query::{Cached, parse, rows, run};

/// For how long a period that has ended is told of: requests that began in it settle until then.
const AFTERMATH: Duration = Duration::days(1);

/// Whether a counter that is missing is made to be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Missing {
    /// It is passed over: whoever makes it notes that somebody must look.
    Skip,
    /// It is made, because it may be made at this moment by somebody whose note is there already.
    Make,
}

/// A limit that holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) limit: Micros,
    pub(crate) mode: BudgetMode,
    pub(crate) source: AlertSource,
}

/// A limit in a period, and what is spent.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub(crate) key: LimitKey,
    pub(crate) span: Period,
    pub(crate) period: BudgetPeriod,
    pub(crate) starts_on: NaiveDate,
    pub(crate) ends_on: NaiveDate,
    pub(crate) spent: Micros,
    /// `None` when nothing holds.
    pub(crate) held: Option<Held>,
    /// The group that a person is charged to, or whose pool it is.
    pub(crate) group: Option<GroupId>,
    /// That group's organization; not known for a pool.
    pub(crate) organization: Option<OrganizationId>,
}

/// What is looked at.
#[derive(Debug)]
pub(crate) struct Watch {
    calendar: Calendar,
    /// In the order of locks.
    spans: BTreeMap<Key, Span>,
    /// Pools that are none any more.
    gone: Vec<LimitKey>,
}

#[derive(Debug)]
struct Span {
    how: Reckoning,
    end: DateTime<Utc>,
    missing: Missing,
    /// Whether it is the present one.
    present: bool,
}

/// Begins to look at these limits: nobody counts anew until the transaction ends.
pub(crate) async fn watch(
    conn: &AsyncPgConnection,
    limits: &BTreeMap<LimitKey, Missing>,
) -> StoreResult<Watch> {
    let pools = |key: &&LimitKey| key.kind == LimitKind::Pool;
    let groups: BTreeSet<GroupId> = limits
        .keys()
        .filter(pools)
        .map(|key| key.id.into())
        .collect();
    let mut calendar = calendar::begin(conn, 0, &groups).await?;
    let mut gone = Vec::new();
    let mut wanted = Vec::new();
    for (key, missing) in limits {
        match reckoning(&calendar, *key) {
            Some(how) => wanted.push((*key, how, *missing)),
            None => gone.push(*key),
        }
    }
    // The period before begins where nobody knows, but ends where the present one begins.
    let mut before = BTreeSet::new();
    for (_, how, _) in &wanted {
        let start = calendar.period(how, calendar.now)?.start;
        if calendar.now - start < AFTERMATH {
            before.insert((how.clone(), just_before(start)));
        }
    }
    calendar.learn(conn, &before).await?;
    let mut spans = BTreeMap::new();
    for (key, how, missing) in wanted {
        let present = calendar.period(&how, calendar.now)?;
        let earlier = just_before(present.start);
        if before.contains(&(how.clone(), earlier)) {
            let period = calendar.period(&how, earlier)?;
            let span = Span {
                how: how.clone(),
                end: period.end,
                missing: Missing::Skip,
                present: false,
            };
            spans.insert((key, period.start), span);
        }
        let span = Span {
            how,
            end: present.end,
            missing,
            present: true,
        };
        spans.insert((key, present.start), span);
    }
    Ok(Watch {
        calendar,
        spans,
        gone,
    })
}

fn just_before(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant - Duration::microseconds(1)
}

fn reckoning(calendar: &Calendar, key: LimitKey) -> Option<Reckoning> {
    match key.kind {
        LimitKind::User => Some(calendar.people.clone()),
        LimitKind::Pool => {
            let pool = calendar.pools.get(&GroupId(key.id));
            pool.map(|pool| pool.reckoning.clone())
        }
        // Nobody is told of thresholds of caps.
        LimitKind::UserCap | LimitKind::Subscription => None,
    }
}

const THERE: &str = "\
SELECT k.place FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS k (kind, id, scope, start, place) \
JOIN spend_counters AS c ON c.limit_id = k.id AND c.period_start = k.start \
    AND c.limit_kind = k.kind AND c.scope_id = k.scope";

#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
}

const READ: &str = "\
SELECT k.place, c.spent_micros, c.alert_at_micros, \
    (k.start AT TIME ZONE k.zone)::date AS starts_on, (k.ends AT TIME ZONE k.zone)::date AS ends_on \
FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS k (kind, id, scope, start, ends, zone, place) \
JOIN spend_counters AS c ON c.limit_id = k.id AND c.period_start = k.start \
    AND c.limit_kind = k.kind AND c.scope_id = k.scope";

const SET: &str = "\
UPDATE spend_counters AS c SET alert_at_micros = k.next \
FROM unnest($1, $2, $3, $4, $5) AS k (kind, id, scope, start, next) \
WHERE c.limit_id = k.id AND c.period_start = k.start AND c.limit_kind = k.kind AND c.scope_id = k.scope \
    AND c.alert_at_micros IS DISTINCT FROM k.next";

#[derive(QueryableByName)]
struct CounterRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = BigInt)]
    spent_micros: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    alert_at_micros: Option<i64>,
    #[diesel(sql_type = Date)]
    starts_on: NaiveDate,
    #[diesel(sql_type = Date)]
    ends_on: NaiveDate,
}

impl CounterRow {
    /// Whether the ledger would have noted this spend.
    fn noted(&self) -> bool {
        self.alert_at_micros
            .is_none_or(|at| self.spent_micros >= at)
    }
}

impl Watch {
    /// The start of the present period of people's limits.
    pub(crate) fn people_since(&self) -> StoreResult<DateTime<Utc>> {
        let present = self
            .calendar
            .period(&self.calendar.people, self.calendar.now)?;
        Ok(present.start)
    }

    /// Pools that are none any more.
    pub(crate) fn gone(&self) -> &[LimitKey] {
        &self.gone
    }

    /// Locks the counters, in the ledger's order. One that is passed over stays out of sight: it is nobody's here, so
    /// writing it could wait for somebody who waits for this.
    pub(crate) async fn lock(&mut self, conn: &AsyncPgConnection) -> StoreResult<()> {
        let there = bind_keys(sql(THERE), self.spans.keys());
        let there: Vec<PlaceRow> = rows(conn, Cached(there)).await?;
        let there: BTreeSet<i64> = there.iter().map(|row| row.place).collect();
        let mut place = 0;
        self.spans.retain(|_, span| {
            place += 1;
            span.missing == Missing::Make || there.contains(&place)
        });
        let keys: Vec<Key> = self.spans.keys().copied().collect();
        counter::lock(conn, &keys).await.map(drop)
    }

    /// What is spent and what holds, by statements of their own, after the locks. A period that has ended is among
    /// them only when the ledger noted it: a limit that is changed now is none of its own.
    pub(crate) async fn read(&self, conn: &AsyncPgConnection) -> StoreResult<Vec<Watched>> {
        let ends: Vec<DateTime<Utc>> = self.spans.values().map(|span| span.end).collect();
        let zones: Vec<&str> = self.spans.values().map(|span| span.how.zone()).collect();
        let read = bind_keys(sql(READ), self.spans.keys())
            .bind::<Array<Timestamptz>, _>(ends)
            .bind::<Array<Text>, _>(zones);
        let counters: Vec<CounterRow> = rows(conn, Cached(read)).await?;
        let counters: BTreeMap<i64, CounterRow> =
            counters.into_iter().map(|row| (row.place, row)).collect();
        let of_people = |(key, _): &&Key| key.kind == LimitKind::User;
        let people = self.spans.keys().filter(of_people);
        let mut people: Vec<UserId> = people.map(|(key, _)| UserId(key.id)).collect();
        people.dedup();
        let resolutions = resolutions(conn, &self.calendar, &people).await?;
        let mut watched = Vec::new();
        for ((place, (key, start)), span) in (1..).zip(self.spans.keys()).zip(self.spans.values()) {
            let Some(row) = counters.get(&place) else {
                continue; // Nothing is spent.
            };
            if !span.present && !row.noted() {
                continue;
            }
            let (held, group, organization) = match key.kind {
                LimitKind::User => holding(resolutions.get(&UserId(key.id))),
                LimitKind::Pool => (self.pool(*key), Some(GroupId(key.id)), None),
                LimitKind::UserCap | LimitKind::Subscription => (None, None, None),
            };
            watched.push(Watched {
                key: *key,
                span: Period {
                    start: *start,
                    end: span.end,
                },
                period: parse("period", span.how.kind())?,
                starts_on: row.starts_on,
                ends_on: row.ends_on,
                spent: Micros(row.spent_micros),
                held,
                group,
                organization,
            });
        }
        Ok(watched)
    }

    fn pool(&self, key: LimitKey) -> Option<Held> {
        let pool = self.calendar.pools.get(&GroupId(key.id))?;
        Some(Held {
            limit: pool.limit,
            mode: pool.mode,
            source: AlertSource::Pool,
        })
    }
}

/// What holds for a person, and who is charged.
fn holding(found: Option<&Resolution>) -> (Option<Held>, Option<GroupId>, Option<OrganizationId>) {
    let Some(found) = found else {
        return (None, None, None);
    };
    let held = found.enforced.or(found.observed).map(|budget| Held {
        limit: budget.spend_limit,
        mode: budget.mode,
        source: AlertSource::User(budget.source),
    });
    (held, found.group_id, found.organization_id)
}

/// Has the ledger note spend of these limits from these amounts on.
pub(crate) async fn note_from(
    conn: &AsyncPgConnection,
    amounts: &[(Key, Micros)],
) -> StoreResult<()> {
    let next: Vec<i64> = amounts.iter().map(|(_, next)| next.0).collect();
    let set =
        bind_keys(sql(SET), amounts.iter().map(|(key, _)| key)).bind::<Array<BigInt>, _>(next);
    run(conn, Cached(set)).await.map(drop)
}

fn bind_keys<'a>(query: Sql<'static>, keys: impl Iterator<Item = &'a Key> + Clone) -> Sql<'static> {
    let kinds: Vec<&'static str> = keys.clone().map(|(key, _)| key.kind.as_str()).collect();
    let ids: Vec<Uuid> = keys.clone().map(|(key, _)| key.id).collect();
    let scopes: Vec<Uuid> = keys.clone().map(|(key, _)| key.scope).collect();
    let starts: Vec<DateTime<Utc>> = keys.map(|(_, start)| *start).collect();
    query
        .bind::<Array<Text>, _>(kinds)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(scopes)
        .bind::<Array<Timestamptz>, _>(starts)
}
