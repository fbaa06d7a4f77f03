//! A person's counter of a period, whose row is the lock of everything that counts there.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{Micros, ReservationId, UserId, admission::Head, spend::Period};
use store::StoreResult;
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, row, run},
};

/// The state of a counter. Amounts stop at the ends of `i64` instead of failing a settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) period: Period,
    pub(super) spent: Micros,
    pub(super) reserved: Micros,
    /// The request that has waited longest.
    pub(super) head: Option<Head>,
    /// Until when somebody may be waiting.
    pub(super) waiting_until: Option<DateTime<Utc>>,
    /// The instant at which the lock was asked for.
    pub(super) asked_at: DateTime<Utc>,
}

impl Counter {
    /// Whether somebody may be waiting for what is freed here.
    pub(super) fn awaited(&self) -> bool {
        let head = self.head.map(|head| head.expires_at);
        head.max(self.waiting_until)
            .is_some_and(|until| until > self.asked_at)
    }

    /// Removes the head if it is this request; whether it was.
    pub(super) fn leave(&mut self, id: ReservationId) -> bool {
        let mine = self.head.is_some_and(|head| head.id == id);
        if mine {
            self.head = None;
        }
        mine
    }
}

#[derive(QueryableByName)]
struct CounterRow {
    #[diesel(sql_type = Timestamptz)]
    period_start: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    period_end: DateTime<Utc>,
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
    #[diesel(sql_type = Timestamptz)]
    asked_at: DateTime<Utc>,
}

impl From<CounterRow> for Counter {
    fn from(row: CounterRow) -> Self {
        let head = (
            row.head_id,
            row.head_since,
            row.head_need_micros,
            row.head_expires_at,
        );
        let head = match head {
            (Some(id), Some(since), Some(need), Some(expires_at)) => Some(Head {
                id: ReservationId(id),
                since,
                need: Micros(need),
                expires_at,
            }),
            _ => None,
        };
        Self {
            period: Period {
                start: row.period_start,
                end: row.period_end,
            },
            spent: Micros(row.spent_micros),
            reserved: Micros(row.reserved_micros),
            head,
            waiting_until: row.waiting_until,
            asked_at: row.asked_at,
        }
    }
}

/// The counter of a period, or of the present one; made when it is missing.
const MAKE: &str = "\
INSERT INTO spend_counters (limit_kind, limit_id, period_start) \
VALUES ('user', $1, coalesce($2, bursar_period_start(bursar_now()))) ON CONFLICT DO NOTHING";

const LOCK: &str = "\
SELECT period_start, bursar_period_end(period_start) AS period_end, spent_micros, reserved_micros, \
    head_id, head_since, head_need_micros, head_expires_at, waiting_until, bursar_now() AS asked_at \
FROM spend_counters \
WHERE limit_kind = 'user' AND limit_id = $1 \
    AND period_start = coalesce($2, bursar_period_start(bursar_now())) \
FOR UPDATE";

/// Makes the counter of `period`, or of the present one, if it is missing, and locks it. `None` when the
/// period has changed between the two statements.
pub(super) async fn try_lock(
    conn: &AsyncPgConnection,
    user: UserId,
    period: Option<DateTime<Utc>>,
) -> StoreResult<Option<Counter>> {
    let make = sql_query(MAKE)
        .bind::<SqlUuid, _>(user.0)
        .bind::<Nullable<Timestamptz>, _>(period);
    let lock = sql_query(LOCK)
        .bind::<SqlUuid, _>(user.0)
        .bind::<Nullable<Timestamptz>, _>(period);
    let (_, found) = try_join(
        run(conn, Cached(make)),
        row::<_, CounterRow>(conn, Cached(lock)),
    )
    .await?;
    Ok(found.map(Into::into))
}

/// Locks the counter of a period that is known.
pub(super) async fn lock(
    conn: &AsyncPgConnection,
    user: UserId,
    period: DateTime<Utc>,
) -> StoreResult<Counter> {
    let found = try_lock(conn, user, Some(period)).await?;
    found.ok_or_else(|| internal("a counter is gone right after it was made"))
}

const SAVE: &str = "\
UPDATE spend_counters SET spent_micros = $3, reserved_micros = $4, head_id = $5, head_since = $6, \
    head_need_micros = $7, head_expires_at = $8, waiting_until = $9 \
WHERE limit_kind = 'user' AND limit_id = $1 AND period_start = $2";

/// Stores what has become of a locked counter.
pub(super) async fn save(
    conn: &AsyncPgConnection,
    user: UserId,
    counter: &Counter,
) -> StoreResult<()> {
    let head = counter.head;
    let save = sql_query(SAVE)
        .bind::<SqlUuid, _>(user.0)
        .bind::<Timestamptz, _>(counter.period.start)
        .bind::<BigInt, _>(counter.spent.0)
        .bind::<BigInt, _>(counter.reserved.0)
        .bind::<Nullable<SqlUuid>, _>(head.map(|head| head.id.0))
        .bind::<Nullable<Timestamptz>, _>(head.map(|head| head.since))
        .bind::<Nullable<BigInt>, _>(head.map(|head| head.need.0))
        .bind::<Nullable<Timestamptz>, _>(head.map(|head| head.expires_at))
        .bind::<Nullable<Timestamptz>, _>(counter.waiting_until);
    run(conn, Cached(save)).await.map(drop)
}
