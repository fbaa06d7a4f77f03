//! Settling and releasing: a reservation is closed exactly once, whatever happened to it meanwhile.

use diesel::{prelude::*, sql_query, sql_types::Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    Micros, ReservationId, UserId,
    spend::{SettleEffect, SettleOutcome, Settlement},
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    counter::{Counter, lock, save},
    event::EventRow,
    reserve::ReservationRow,
};
use crate::{
    query::{Cached, one, row, run},
    schema::{ai_reservations, ai_usage_events},
};

/// Closes a reservation with what it cost, or, without a settlement, free of charge.
pub(super) async fn close(
    conn: &AsyncPgConnection,
    id: ReservationId,
    settlement: Option<&Settlement>,
) -> StoreResult<SettleOutcome> {
    // Unlocked, to know whose it is and of which period: that never changes.
    let (open, event) = try_join(reservation_get(conn, id), event_get(conn, id)).await?;
    if let Some(open) = open {
        let (user, period) = (UserId(open.user_id), open.period_start);
        let (counter, taken) =
            try_join(lock(conn, user, period), reservation_take(conn, id.0)).await?;
        if let Some(reservation) = taken {
            return close_open(conn, counter, reservation, settlement).await;
        }
        // Somebody else closed it before the lock was had; what they wrote is visible now.
        let event = event_get(conn, id).await?;
        return match event {
            Some(event) => close_closed(conn, counter, event, settlement).await,
            None => Ok(outcome(SettleEffect::Unknown, Some(user))),
        };
    }
    match event {
        Some(event) if event.swept => {
            let counter = lock(conn, UserId(event.user_id), event.period_start).await?;
            close_closed(conn, counter, event, settlement).await
        }
        Some(event) => Ok(outcome(
            SettleEffect::AlreadySettled,
            Some(UserId(event.user_id)),
        )),
        None => Ok(outcome(SettleEffect::Unknown, None)),
    }
}

const fn outcome(effect: SettleEffect, user_id: Option<UserId>) -> SettleOutcome {
    SettleOutcome {
        effect,
        user_id,
        wake: false,
        over_hold: Micros::ZERO,
    }
}

/// Under the counter's lock, with the open row just removed.
async fn close_open(
    conn: &AsyncPgConnection,
    mut counter: Counter,
    reservation: ReservationRow,
    settlement: Option<&Settlement>,
) -> StoreResult<SettleOutcome> {
    let user = UserId(reservation.user_id);
    counter.reserved = counter
        .reserved
        .saturating_sub(Micros(reservation.hold_micros));
    let wake = counter.awaited();
    let Some(settlement) = settlement else {
        save(conn, user, &counter).await?;
        return Ok(SettleOutcome {
            wake,
            ..outcome(SettleEffect::Released, Some(user))
        });
    };
    let event = EventRow::of(reservation).settled(settlement)?;
    let over_hold = Micros(event.over_hold_micros);
    record(conn, &mut counter, event).await?;
    Ok(SettleOutcome {
        wake,
        over_hold,
        ..outcome(SettleEffect::Settled, Some(user))
    })
}

/// Under the counter's lock, with the event that closed the reservation. An estimate made by a sweep is corrected,
/// once; the counter moves by the difference.
async fn close_closed(
    conn: &AsyncPgConnection,
    mut counter: Counter,
    event: EventRow,
    settlement: Option<&Settlement>,
) -> StoreResult<SettleOutcome> {
    let user = UserId(event.user_id);
    if !event.swept || corrected(conn, event.id).await? {
        return Ok(outcome(SettleEffect::AlreadySettled, Some(user)));
    }
    let truth = match settlement {
        Some(settlement) => event.clone().settled(settlement)?,
        None => EventRow {
            tokens: Default::default(),
            cost_micros: Some(0),
            estimated: false,
            swept: false,
            ..event.clone()
        },
    };
    let over_hold = Micros(truth.over_hold_micros);
    let correction = EventRow::correction(&event, truth, fresh_id(conn).await?);
    record(conn, &mut counter, correction).await?;
    let wake = counter.awaited();
    Ok(SettleOutcome {
        wake,
        over_hold,
        ..outcome(SettleEffect::Corrected, Some(user))
    })
}

/// Writes an event and moves the counter by it, in one round trip.
pub(super) async fn record(
    conn: &AsyncPgConnection,
    counter: &mut Counter,
    event: EventRow,
) -> StoreResult<()> {
    let user = UserId(event.user_id);
    counter.spent = counter.spent.saturating_add(event.charge());
    let insert = diesel::insert_into(ai_usage_events::table).values(event);
    try_join(save(conn, user, counter), run(conn, insert))
        .await
        .map(drop)
}

async fn reservation_get(
    conn: &AsyncPgConnection,
    id: ReservationId,
) -> StoreResult<Option<ReservationRow>> {
    let query = ai_reservations::table
        .filter(ai_reservations::id.eq(id.0))
        .select(ReservationRow::as_select());
    row(conn, query).await
}

/// Removes an open reservation; `None` when somebody else did.
pub(super) async fn reservation_take(
    conn: &AsyncPgConnection,
    id: Uuid,
) -> StoreResult<Option<ReservationRow>> {
    let delete = diesel::delete(ai_reservations::table)
        .filter(ai_reservations::id.eq(id))
        .returning(ReservationRow::as_returning());
    row(conn, delete).await
}

/// The event that closed a reservation.
async fn event_get(conn: &AsyncPgConnection, id: ReservationId) -> StoreResult<Option<EventRow>> {
    let query = ai_usage_events::table
        .filter(
            ai_usage_events::reservation_id
                .eq(id.0)
                .and(ai_usage_events::corrects.is_null()),
        )
        .select(EventRow::as_select());
    row(conn, query).await
}

async fn corrected(conn: &AsyncPgConnection, event: Uuid) -> StoreResult<bool> {
    let correction = ai_usage_events::table.filter(ai_usage_events::corrects.eq(event));
    one(conn, diesel::select(diesel::dsl::exists(correction))).await
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

async fn fresh_id(conn: &AsyncPgConnection) -> StoreResult<Uuid> {
    let id: IdRow = one(conn, Cached(sql_query("SELECT bursar_uuid_v7() AS id"))).await?;
    Ok(id.id)
}
