//! After a crash: reservations whose server's lease has lapsed are charged by what is known.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{Micros, UserId};
use store::StoreResult;
use uuid::Uuid;

use super::{
    counter::lock,
    event::{EventRow, Tokens},
    reserve::ReservationRow,
    settle::{record, reservation_take},
};
use crate::query::{Cached, one, rows, run};

/// The advisory lock that one sweeping server holds until its unit ends: "sweep" in ASCII.
const LOCK: i64 = 0x73_7765_6570;

#[derive(QueryableByName)]
struct LockRow {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

#[derive(QueryableByName)]
struct LapsedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    period_start: DateTime<Utc>,
}

const LAPSED: &str = "\
SELECT r.id, r.user_id, r.period_start FROM ai_reservations AS r \
LEFT JOIN server_leases AS l ON l.id = r.lease_id \
WHERE l.id IS NULL OR l.expires_at <= bursar_now() \
ORDER BY r.created_at, r.id LIMIT $1";

/// Leases that lapsed long ago are forgotten; until then they cannot be renewed.
const FORGET: &str = "\
DELETE FROM server_leases AS l WHERE l.expires_at < bursar_now() - interval '7 days' \
    AND NOT EXISTS (SELECT 1 FROM ai_reservations AS r WHERE r.lease_id = l.id)";

pub(super) async fn reservation_sweep(
    conn: &AsyncPgConnection,
    limit: u32,
) -> StoreResult<Vec<UserId>> {
    let try_lock =
        sql_query("SELECT pg_try_advisory_xact_lock($1) AS locked").bind::<BigInt, _>(LOCK);
    if !one::<_, LockRow>(conn, Cached(try_lock)).await?.locked {
        return Ok(Vec::new());
    }
    run(conn, Cached(sql_query(FORGET))).await?;
    let lapsed = sql_query(LAPSED).bind::<BigInt, _>(i64::from(limit));
    let mut users = Vec::new();
    for row in rows::<_, LapsedRow>(conn, Cached(lapsed)).await? {
        let user = UserId(row.user_id);
        if sweep_one(conn, &row).await? && !users.contains(&user) {
            users.push(user);
        }
    }
    Ok(users)
}

/// Charges one reservation, unless it was settled meanwhile.
async fn sweep_one(conn: &AsyncPgConnection, lapsed: &LapsedRow) -> StoreResult<bool> {
    let user = UserId(lapsed.user_id);
    let (mut counter, taken) = try_join(
        lock(conn, user, lapsed.period_start),
        reservation_take(conn, lapsed.id),
    )
    .await?;
    let Some(reservation) = taken else {
        return Ok(false);
    };
    counter.reserved = counter
        .reserved
        .saturating_sub(Micros(reservation.hold_micros));
    let (cost, tokens) = (charge(&reservation), known_tokens(&reservation));
    let cost_micros = cost.map(|cost| cost.0);
    let event = EventRow {
        cost_micros,
        tokens,
        swept: true,
        ..EventRow::of(reservation)
    };
    record(conn, &mut counter, event).await?;
    Ok(true)
}

/// With progress, its share of the hold; else the whole hold. Not known for a model without a price.
fn charge(reservation: &ReservationRow) -> Option<Micros> {
    reservation.prices.as_ref()?;
    let hold = Micros(reservation.hold_micros);
    let Some(progress) = reservation.progress_output_tokens else {
        return Some(hold);
    };
    let output = i128::from(progress) * i128::from(reservation.output_price_micros);
    let output = (output + 999_999) / 1_000_000;
    let output = Micros(i64::try_from(output).unwrap_or(i64::MAX));
    Some(
        Micros(reservation.input_cost_micros)
            .saturating_add(output)
            .min(hold),
    )
}

/// The bounds of what was used.
fn known_tokens(reservation: &ReservationRow) -> Tokens {
    let output = reservation
        .progress_output_tokens
        .unwrap_or(reservation.output_cap_tokens);
    Tokens {
        input_tokens: reservation.input_bound_tokens,
        output_tokens: output,
        ..Tokens::default()
    }
}
