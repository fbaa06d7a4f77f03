//! What was charged to groups in a period: whole days (UTC) from the days' sums, and what a period takes of a day
//! besides, because it follows the clocks of another zone, from the events.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Date, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{GroupId, Micros, OrganizationId, UserId, spend::Period};
use store::StoreResult;
use uuid::Uuid;

use crate::query::{Cached, rows};

/// A period in whole days and what is left at its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    /// Before the first whole day.
    before: Period,
    /// From this day on.
    first: NaiveDate,
    /// Up to the day before this one.
    end: NaiveDate,
    /// After the last whole day.
    after: Period,
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

impl Parts {
    fn of(period: Period) -> Self {
        let started = period.start.date_naive();
        let first = if midnight(started) == period.start {
            started
        } else {
            started
                .checked_add_days(Days::new(1))
                .unwrap_or(NaiveDate::MAX)
        };
        let end = period.end.date_naive();
        let span = |start, end| Period { start, end };
        if first >= end {
            // Not one whole day.
            return Self {
                before: period,
                first,
                end: first,
                after: span(period.end, period.end),
            };
        }
        Self {
            before: span(period.start, midnight(first)),
            first,
            end,
            after: span(midnight(end), period.end),
        }
    }
}

#[derive(QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    spent: i64,
}

/// The events are found by organization and instant: there are two ends at most, of less than a day each.
macro_rules! charged {
    ($by:literal, $of_days:literal, $of_events:literal) => {
        concat!(
            "SELECT c.id, sum(c.micros)::bigint AS spent FROM (SELECT d.",
            $by,
            " AS id, d.spend_micros AS micros FROM ai_user_daily_spend AS d WHERE ",
            $of_days,
            " AND d.day >= $3 AND d.day < $4 UNION ALL SELECT e.",
            $by,
            ", e.cost_micros FROM ai_usage_events AS e WHERE ",
            $of_events,
            " AND e.organization_id = $5 AND e.created_at >= $6 AND e.created_at < $7 UNION ALL SELECT e.",
            $by,
            ", e.cost_micros FROM ai_usage_events AS e WHERE ",
            $of_events,
            " AND e.organization_id = $5 AND e.created_at >= $8 AND e.created_at < $9) AS c \
             WHERE c.micros IS NOT NULL GROUP BY c.id"
        )
    };
}

const BY_GROUP: &str = charged!(
    "effective_group_id",
    "d.effective_group_id = ANY ($1) AND $2 IS NOT NULL",
    "e.effective_group_id = ANY ($1)"
);
const BY_MEMBER: &str = charged!(
    "user_id",
    "d.user_id = ANY ($2) AND d.effective_group_id = ANY ($1)",
    "e.user_id = ANY ($2) AND e.effective_group_id = ANY ($1)"
);

async fn charged(
    conn: &AsyncPgConnection,
    text: &'static str,
    groups: &[GroupId],
    users: &[UserId],
    (organization, period): (OrganizationId, Period),
) -> StoreResult<Vec<GroupRow>> {
    let Parts {
        before,
        first,
        end,
        after,
    } = Parts::of(period);
    let groups: Vec<Uuid> = groups.iter().map(|id| id.0).collect();
    let users: Vec<Uuid> = users.iter().map(|id| id.0).collect();
    let query = sql_query(text)
        .bind::<Array<SqlUuid>, _>(groups)
        .bind::<Array<SqlUuid>, _>(users)
        .bind::<Date, _>(first)
        .bind::<Date, _>(end)
        .bind::<SqlUuid, _>(organization.0)
        .bind::<Timestamptz, _>(before.start)
        .bind::<Timestamptz, _>(before.end)
        .bind::<Timestamptz, _>(after.start)
        .bind::<Timestamptz, _>(after.end);
    rows(conn, Cached(query)).await
}

/// What was charged to each of these groups of an organization.
pub(super) async fn to_groups(
    conn: &AsyncPgConnection,
    groups: &[GroupId],
    within: (OrganizationId, Period),
) -> StoreResult<BTreeMap<GroupId, Micros>> {
    let found = charged(conn, BY_GROUP, groups, &[], within).await?;
    let sum = |row: GroupRow| (GroupId(row.id), Micros(row.spent));
    Ok(found.into_iter().map(sum).collect())
}

/// What was charged to a group of an organization on account of each of these people.
pub(super) async fn by_members(
    conn: &AsyncPgConnection,
    group: GroupId,
    users: &[UserId],
    within: (OrganizationId, Period),
) -> StoreResult<BTreeMap<UserId, Micros>> {
    let found = charged(conn, BY_MEMBER, &[group], users, within).await?;
    let sum = |row: GroupRow| (UserId(row.id), Micros(row.spent));
    Ok(found.into_iter().map(sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_its_whole_days_and_its_ends() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let check = |start: &str, end: &str, parts: [&str; 6]| {
            let period = Period {
                start: at(start),
                end: at(end),
            };
            let Parts {
                before,
                first,
                end,
                after,
            } = Parts::of(period);
            let [a, b, c, d, e, f] = parts;
            assert_eq!((before.start, before.end), (at(a), at(b)), "{start}");
            assert_eq!((first.to_string(), end.to_string()), (c.into(), d.into()));
            assert_eq!((after.start, after.end), (at(e), at(f)), "{start}");
        };
        let (november, december) = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        check(
            november,
            december,
            [
                november,
                november,
                "2026-11-01",
                "2026-12-01",
                december,
                december,
            ],
        );
        // A month in Berlin.
        let (start, end) = ("2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z");
        let last = "2026-11-30T00:00:00Z";
        check(
            start,
            end,
            [start, november, "2026-11-01", "2026-11-30", last, end],
        );
        // A day in Berlin, and less than a day.
        for end in ["2026-11-01T23:00:00Z", "2026-10-31T23:30:00Z"] {
            let day = if end.contains("11-01") {
                ["2026-11-01", "2026-11-01"]
            } else {
                ["2026-11-01"; 2]
            };
            check(start, end, [start, end, day[0], day[1], end, end]);
        }
    }
}
