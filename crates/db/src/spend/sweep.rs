//! After a crash: reservations whose server's lease has lapsed are charged by what is known.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    GroupId, Micros, OrganizationId, ReservationId, UserId,
    spend::{Account, LedgerAnswer, LimitKey, LockWait},
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    batch::{Counters, Manner, run_batch},
    event::{EventRow, Tokens},
    reservation::ReservationRow,
    steps::{Closing, How, Step},
};
use crate::{
    errors::internal,
    query::{Cached, one, rows, run},
};

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
    #[diesel(sql_type = Nullable<SqlUuid>)]
    effective_group_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    organization_id: Option<Uuid>,
}

const LAPSED: &str = "\
SELECT r.id, r.user_id, r.effective_group_id, r.organization_id FROM ai_reservations AS r \
LEFT JOIN server_leases AS l ON l.id = r.lease_id \
WHERE l.id IS NULL OR l.expires_at <= bursar_now() \
ORDER BY r.id LIMIT $1";

/// Leases that lapsed long ago are forgotten; until then they cannot be renewed.
const FORGET: &str = "\
DELETE FROM server_leases AS l WHERE l.expires_at < bursar_now() - interval '7 days' \
    AND NOT EXISTS (SELECT 1 FROM ai_reservations AS r WHERE r.lease_id = l.id)";

pub(super) async fn reservation_sweep(
    conn: &AsyncPgConnection,
    limit: u32,
) -> StoreResult<Vec<LimitKey>> {
    let try_lock =
        sql_query("SELECT pg_try_advisory_xact_lock($1) AS locked").bind::<BigInt, _>(LOCK);
    if !one::<_, LockRow>(conn, Cached(try_lock)).await?.locked {
        return Ok(Vec::new());
    }
    run(conn, Cached(sql_query(FORGET))).await?;
    let lapsed = sql_query(LAPSED).bind::<BigInt, _>(i64::from(limit));
    let lapsed: Vec<LapsedRow> = rows(conn, Cached(lapsed)).await?;
    if lapsed.is_empty() {
        return Ok(Vec::new());
    }
    let step = |row: &LapsedRow| {
        Step::Close(Closing {
            id: ReservationId(row.id),
            account: Account {
                user_id: UserId(row.user_id),
                group_id: row.effective_group_id.map(GroupId),
                organization_id: row.organization_id.map(OrganizationId),
            },
            how: How::Sweep,
        })
    };
    let steps: Vec<Step<'_>> = lapsed.iter().map(step).collect();
    let begun = std::future::ready(Ok(()));
    let manner = Manner {
        wait: LockWait::Long,
        counters: Counters::Any,
        // Whoever closes asks for nothing.
        cap_trust: None,
    };
    let Some((batch, writes)) = run_batch(conn, begun, &steps, manner).await? else {
        return Err(internal("a counter was not made"));
    };
    writes.write(conn).await?;
    let mut freed: Vec<LimitKey> = Vec::new();
    for answer in batch.answers {
        if let LedgerAnswer::Closed(outcome) = answer {
            freed.extend(outcome.freed);
        }
    }
    freed.sort_unstable();
    freed.dedup();
    Ok(freed)
}

/// The event of a reservation that nobody can settle any more, as far as it is known.
pub(super) fn estimate(reservation: ReservationRow) -> EventRow {
    let (cost, tokens) = (charge(&reservation), known_tokens(&reservation));
    EventRow {
        cost_micros: cost.map(|cost| cost.0),
        tokens,
        swept: true,
        ..EventRow::of(reservation)
    }
}

/// With progress, its share of the hold; else the whole hold. Not known for a model without a price, for which
/// nothing was held; another gateway holds an amount without telling of prices.
fn charge(reservation: &ReservationRow) -> Option<Micros> {
    let hold = reservation.hold();
    if reservation.price_id.is_none() && hold <= Micros::ZERO {
        return None;
    }
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
