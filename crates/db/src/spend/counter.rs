//! Counters: what is spent and held under a limit in a period. Their rows are the locks of the ledger.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    Micros, WaiterId,
    admission::Head,
    spend::{LimitKey, ReserveRequest},
};
use store::StoreResult;
use uuid::Uuid;

use super::{Sql, sql};
use crate::{
    errors::internal,
    query::{Cached, Running, rows, run},
};

/// A limit and the start of a period. Their order is the order in which rows are locked.
pub(super) type Key = (LimitKey, DateTime<Utc>);

/// Where a locked row lies. It stays there for as long as the lock is held.
pub(super) type Place = String;

/// The state of a counter. Amounts stop at the ends of `i64` instead of failing a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counter {
    pub(super) spent: Micros,
    pub(super) reserved: Micros,
    /// The request that has waited longest.
    pub(super) head: Option<Head>,
    /// Until when somebody may be waiting.
    pub(super) waiting_until: Option<DateTime<Utc>>,
    /// From which spend on somebody must be told; `None` is not known.
    pub(super) alert_at: Option<Micros>,
}

impl Counter {
    /// Whether it must be looked at whether somebody is to be told, now that spend has risen to this.
    pub(super) fn alerts(&self) -> bool {
        self.alert_at.is_none_or(|at| self.spent >= at)
    }

    /// Who waits.
    pub(super) const fn lines(&self) -> (Option<Head>, Option<DateTime<Utc>>) {
        (self.head, self.waiting_until)
    }

    /// Whether somebody may be waiting for what is freed here.
    pub(super) fn awaited(&self, now: DateTime<Utc>) -> bool {
        let head = self.head.map(|head| head.expires_at);
        head.max(self.waiting_until)
            .is_some_and(|until| until > now)
    }

    /// Notes that the request waits, as the first if nobody else has waited for longer. The one that has waited
    /// longest is the one that every server lets look first, so nobody else may be kept room for.
    pub(super) fn enqueue(&mut self, request: &ReserveRequest, need: Micros, now: DateTime<Utc>) {
        let since = request.waiting_since.unwrap_or(now);
        let before =
            |head: &Head| head.id != request.waiter && head.expires_at > now && head.since <= since;
        if !self.head.as_ref().is_some_and(before) {
            self.head = Some(Head {
                id: request.waiter,
                since,
                need,
                expires_at: request.gives_up_at,
            });
        }
        self.waiting_until = self.waiting_until.max(Some(request.gives_up_at));
    }

    /// Removes the head if it is this request; whether it was.
    pub(super) fn leave(&mut self, waiter: WaiterId) -> bool {
        self.head.take_if(|head| head.id == waiter).is_some()
    }
}

/// What has become of a counter.
#[derive(Debug)]
pub(super) struct Change {
    /// Where its row lies.
    pub(super) place: Place,
    pub(super) counter: Counter,
    /// Whether who waits is not who waited.
    pub(super) line: bool,
}

#[derive(QueryableByName)]
pub(super) struct CounterRow {
    /// The key's place among those that were asked for, from 1.
    #[diesel(sql_type = BigInt)]
    pub(super) place: i64,
    #[diesel(sql_type = Text)]
    pub(super) lies_at: Place,
    #[diesel(sql_type = BigInt)]
    spent_micros: i64,
    #[diesel(sql_type = BigInt)]
    reserved_micros: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    head_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    head_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    head_need_micros: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    head_expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    waiting_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    alert_at_micros: Option<i64>,
}

impl From<&CounterRow> for Counter {
    fn from(row: &CounterRow) -> Self {
        let head = (
            row.head_id,
            row.head_since,
            row.head_need_micros,
            row.head_expires_at,
        );
        let head = match head {
            (Some(id), Some(since), Some(need), Some(expires_at)) => Some(Head {
                id: WaiterId(id),
                since,
                need: Micros(need),
                expires_at,
            }),
            _ => None,
        };
        Self {
            spent: Micros(row.spent_micros),
            reserved: Micros(row.reserved_micros),
            head,
            waiting_until: row.waiting_until,
            alert_at: row.alert_at_micros.map(Micros),
        }
    }
}

fn asked(text: &'static str, keys: &[Key]) -> Cached<Sql<'static>> {
    let kinds: Vec<&'static str> = keys.iter().map(|(limit, _)| limit.kind.as_str()).collect();
    let ids: Vec<Uuid> = keys.iter().map(|(limit, _)| limit.id).collect();
    let scopes: Vec<Uuid> = keys.iter().map(|(limit, _)| limit.scope).collect();
    let starts: Vec<DateTime<Utc>> = keys.iter().map(|(_, start)| *start).collect();
    let asked = sql(text)
        .bind::<Array<Text>, _>(kinds)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(scopes)
        .bind::<Array<Timestamptz>, _>(starts);
    Cached(asked)
}

/// Locks the rows that are there one after the other, in the order of the keys, and reads each as it is then.
const LOCK_KNOWN: &str = "\
SELECT k.place::bigint AS place, c.* \
FROM generate_series(1, cardinality($1)) AS k (place) \
CROSS JOIN LATERAL (SELECT c.ctid::text AS lies_at, c.spent_micros, c.reserved_micros, c.head_id, c.head_since, \
        c.head_need_micros, c.head_expires_at, c.waiting_until, c.alert_at_micros \
    FROM spend_counters AS c WHERE c.limit_id = $2[k.place] AND c.period_start = $4[k.place] \
        AND c.limit_kind = $1[k.place] AND c.scope_id = $3[k.place] \
    FOR NO KEY UPDATE) AS c";

/// Locks the rows one after the other, making those that are missing: also a row that is being made is waited for
/// in its turn, so that batches never wait for each other in a circle. The condition keeps what is locked from
/// being written.
const LOCK: &str = "\
INSERT INTO spend_counters AS c (limit_kind, limit_id, scope_id, period_start) \
SELECT * FROM unnest($1, $2, $3, $4) \
ON CONFLICT (limit_id, period_start, limit_kind, scope_id) DO UPDATE SET limit_kind = c.limit_kind WHERE false";

const READ: &str = "\
SELECT k.place, c.ctid::text AS lies_at, c.spent_micros, c.reserved_micros, c.head_id, c.head_since, c.head_need_micros, \
    c.head_expires_at, c.waiting_until, c.alert_at_micros \
FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS k (kind, id, scope, start, place) \
JOIN spend_counters AS c ON c.limit_id = k.id AND c.period_start = k.start \
    AND c.limit_kind = k.kind AND c.scope_id = k.scope";

/// Locks those counters of these keys, which are in their order, that are there, and reads them: one that is missing
/// must not be made after that, because it would be locked out of its turn.
pub(super) fn lock_known<'a>(
    conn: &'a AsyncPgConnection,
    keys: &[Key],
) -> Running<'a, Vec<CounterRow>> {
    rows(conn, asked(LOCK_KNOWN, keys))
}

/// Locks the counters of these keys, which are in their order, and makes those that are missing.
pub(super) fn lock<'a>(conn: &'a AsyncPgConnection, keys: &[Key]) -> Running<'a, usize> {
    run(conn, asked(LOCK, keys))
}

/// The counters of these keys, as far as they are there: in a statement of its own, which sees what was
/// committed before the locks were had.
pub(super) fn read<'a>(conn: &'a AsyncPgConnection, keys: &[Key]) -> Running<'a, Vec<CounterRow>> {
    rows(conn, asked(READ, keys))
}

/// By their places: finding them by their keys a third time would be most of the work.
const SAVE: &str = "\
UPDATE spend_counters AS c SET spent_micros = $2[n], reserved_micros = $3[n], head_id = $4[n], \
    head_since = $5[n], head_need_micros = $6[n], head_expires_at = $7[n], waiting_until = $8[n] \
FROM generate_series(1, cardinality($1)) AS n WHERE c.ctid = $1[n]::tid";

/// The same where nobody waits and nobody did, as usual.
const SAVE_AMOUNTS: &str = "\
UPDATE spend_counters AS c SET spent_micros = $2[n], reserved_micros = $3[n] \
FROM generate_series(1, cardinality($1)) AS n WHERE c.ctid = $1[n]::tid";

/// Stores what has become of locked counters.
pub(super) async fn save(conn: &AsyncPgConnection, changed: &[Change]) -> StoreResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let places: Vec<&str> = changed.iter().map(|one| one.place.as_str()).collect();
    let amounts = |of: fn(&Counter) -> i64| -> Vec<i64> {
        changed.iter().map(|one| of(&one.counter)).collect()
    };
    let lines = changed.iter().any(|one| one.line);
    let save = sql(if lines { SAVE } else { SAVE_AMOUNTS })
        .bind::<Array<Text>, _>(places)
        .bind::<Array<BigInt>, _>(amounts(|counter| counter.spent.0))
        .bind::<Array<BigInt>, _>(amounts(|counter| counter.reserved.0));
    let save = if lines {
        with_lines(save, changed)
    } else {
        save
    };
    let saved = run(conn, Cached(save)).await?;
    if saved == changed.len() {
        Ok(())
    } else {
        Err(internal("a counter that was locked is not where it was"))
    }
}

/// Binds who waits.
fn with_lines<'a>(save: Sql<'a>, changed: &[Change]) -> Sql<'a> {
    let heads: Vec<Option<Head>> = changed.iter().map(|one| one.counter.head).collect();
    let instants = |of: fn(&Head) -> DateTime<Utc>| -> Vec<Option<DateTime<Utc>>> {
        heads.iter().map(|head| head.as_ref().map(of)).collect()
    };
    let ids: Vec<Option<Uuid>> = heads
        .iter()
        .map(|head| head.map(|head| head.id.0))
        .collect();
    let needs: Vec<Option<i64>> = heads
        .iter()
        .map(|head| head.map(|head| head.need.0))
        .collect();
    let until: Vec<Option<DateTime<Utc>>> = changed
        .iter()
        .map(|one| one.counter.waiting_until)
        .collect();
    save.bind::<Array<Nullable<SqlUuid>>, _>(ids)
        .bind::<Array<Nullable<Timestamptz>>, _>(instants(|head| head.since))
        .bind::<Array<Nullable<BigInt>>, _>(needs)
        .bind::<Array<Nullable<Timestamptz>>, _>(instants(|head| head.expires_at))
        .bind::<Array<Nullable<Timestamptz>>, _>(until)
}
