//! Checks: which limits must be looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::spend::LimitKey;
use store::StoreResult;
use uuid::Uuid;

use super::Answer;
use crate::{
    query::{Cached, one, parse, rows, run},
    spend::Missing,
};

/// How many people of a check of everybody are checked at a time.
const CHUNK: i64 = 5_000;

/// Whom a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    User,
    Pool,
    Group,
    /// From the id on that is the check's.
    Everyone,
}

#[derive(Debug, thiserror::Error)]
#[error("names no subject of a check")]
struct NoSuchSubject;

impl FromStr for Subject {
    type Err = NoSuchSubject;
    fn from_str(text: &str) -> Result<Self, NoSuchSubject> {
        match text {
            "user" => Ok(Self::User),
            "pool" => Ok(Self::Pool),
            "group" => Ok(Self::Group),
            "everyone" => Ok(Self::Everyone),
            _ => Err(NoSuchSubject),
        }
    }
}

/// The checks of a pass.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Where their rows lie. They stay there: only who looks removes them, and nobody changes one.
    pub(super) rows: Vec<String>,
    /// The limits to be looked at.
    pub(super) limits: BTreeMap<LimitKey, Missing>,
    groups: BTreeSet<Uuid>,
    everyone_after: Option<Uuid>,
}

#[derive(QueryableByName)]
struct CheckRow {
    #[diesel(sql_type = Text)]
    lies_at: String,
    #[diesel(sql_type = Text)]
    subject_kind: String,
    #[diesel(sql_type = SqlUuid)]
    subject_id: Uuid,
    /// Whether the ledger wrote it.
    #[diesel(sql_type = Bool)]
    ledger: bool,
}

const ANY: &str =
    "SELECT EXISTS (SELECT 1 FROM ai_alert_checks WHERE due_at <= bursar_now()) AS answer";

const DUE: &str = "\
SELECT ctid::text AS lies_at, subject_kind, subject_id, due_at = '-infinity' AS ledger \
FROM ai_alert_checks WHERE due_at <= bursar_now() ORDER BY due_at, subject_kind, subject_id LIMIT $1";

/// Whether a limit must be looked at.
pub(super) async fn any(conn: &AsyncPgConnection) -> StoreResult<bool> {
    Ok(one::<_, Answer>(conn, Cached(sql_query(ANY))).await?.answer)
}

/// The checks that have been due longest.
pub(super) async fn due(conn: &AsyncPgConnection, limit: u32) -> StoreResult<Due> {
    let query = sql_query(DUE).bind::<BigInt, _>(i64::from(limit));
    let found: Vec<CheckRow> = rows(conn, Cached(query)).await?;
    let mut due = Due::default();
    for row in found {
        let id = row.subject_id;
        match parse("ai_alert_checks.subject_kind", &row.subject_kind)? {
            Subject::User => due.limit(LimitKey::user(id.into()), row.ledger),
            Subject::Pool => due.limit(LimitKey::pool(id.into()), row.ledger),
            Subject::Group => drop(due.groups.insert(id)),
            Subject::Everyone => {
                let after = due.everyone_after.map_or(id, |other| other.min(id));
                due.everyone_after = Some(after);
            }
        }
        due.rows.push(row.lies_at);
    }
    Ok(due)
}

impl Due {
    /// The ledger does not note again what it noted, so its counter must be there to be locked.
    fn limit(&mut self, key: LimitKey, ledger: bool) {
        let missing = if ledger { Missing::Make } else { Missing::Skip };
        let known = self.limits.entry(key).or_insert(missing);
        *known = missing.max(*known);
    }
}

const REMOVE: &str = "\
DELETE FROM ai_alert_checks AS c USING unnest($1) AS k (row) WHERE c.ctid = k.row::tid";

/// Removes checks that are being made.
pub(super) async fn remove(conn: &AsyncPgConnection, checks: &[String]) -> StoreResult<()> {
    let remove = sql_query(REMOVE).bind::<Array<Text>, _>(checks);
    run(conn, Cached(remove)).await.map(drop)
}

/// Who is in these groups and has spent something since.
const MEMBERS: &str = "\
INSERT INTO ai_alert_checks (subject_kind, subject_id, due_at) \
SELECT DISTINCT 'user', m.user_id, bursar_now() FROM group_members_expanded AS m \
JOIN spend_counters AS c ON c.limit_id = m.user_id AND c.period_start = $2 AND c.limit_kind = 'user' \
    AND c.scope_id = '00000000-0000-0000-0000-000000000000' \
WHERE m.group_id = ANY ($1) ON CONFLICT DO NOTHING";

/// Who has spent something since, in the order of ids, and where to go on when there are more.
const PEOPLE: &str = "\
WITH next AS (\
    SELECT c.limit_id FROM spend_counters AS c \
    WHERE c.limit_id > $1 AND c.period_start = $2 AND c.limit_kind = 'user' \
        AND c.scope_id = '00000000-0000-0000-0000-000000000000' \
    ORDER BY c.limit_id LIMIT $3) \
INSERT INTO ai_alert_checks (subject_kind, subject_id, due_at) \
SELECT 'user', limit_id, bursar_now() FROM next \
UNION ALL \
(SELECT 'everyone', limit_id, bursar_now() FROM next ORDER BY limit_id OFFSET $3 - 1) \
ON CONFLICT DO NOTHING";

const POOLS: &str = "\
INSERT INTO ai_alert_checks (subject_kind, subject_id, due_at) \
SELECT 'pool', group_id, bursar_now() FROM group_ai_budgets WHERE pool_limit_micros IS NOT NULL \
ON CONFLICT DO NOTHING";

/// Makes checks of single limits out of those of groups and of everybody. Somebody without a counter in the period
/// that began at `since` has nothing to be told; whoever makes one notes that it must be looked at.
pub(super) async fn expand(
    conn: &AsyncPgConnection,
    due: &Due,
    since: DateTime<Utc>,
) -> StoreResult<()> {
    if !due.groups.is_empty() {
        let groups: Vec<Uuid> = due.groups.iter().copied().collect();
        let members = sql_query(MEMBERS)
            .bind::<Array<SqlUuid>, _>(groups)
            .bind::<Timestamptz, _>(since);
        run(conn, Cached(members)).await?;
    }
    let Some(after) = due.everyone_after else {
        return Ok(());
    };
    let people = sql_query(PEOPLE)
        .bind::<SqlUuid, _>(after)
        .bind::<Timestamptz, _>(since)
        .bind::<BigInt, _>(CHUNK);
    run(conn, Cached(people)).await?;
    if after.is_nil() {
        run(conn, Cached(sql_query(POOLS))).await?;
    }
    Ok(())
}
