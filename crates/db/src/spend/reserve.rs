//! Reserving: the verdict under the counter's lock, and the queue of those who wait.

use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    Micros, ReservationId, UserId,
    admission::{Head, LimitState, Patience, Verdict, WorstCase, judge, must_yield},
    spend::{NotBounded, ReserveOutcome, ReserveRequest, SpendState},
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    counter::{Counter, save, try_lock},
    notify,
    standing::{Standing, standing},
    stored,
};
use crate::{
    errors::internal,
    query::{row, run},
    schema::{ai_reservations, spend_counters},
};

/// An open reservation.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = ai_reservations, check_for_backend(Pg))]
pub(super) struct ReservationRow {
    pub(super) id: Uuid,
    pub(super) lease_id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) effective_group_id: Option<Uuid>,
    pub(super) organization_id: Option<Uuid>,
    pub(super) api_key_id: String,
    pub(super) provider_id: Uuid,
    pub(super) provider_name: String,
    pub(super) model: String,
    pub(super) period_start: DateTime<Utc>,
    pub(super) hold_micros: i64,
    /// What the input and the fees cost at worst.
    pub(super) input_cost_micros: i64,
    /// Micros per million tokens.
    pub(super) output_price_micros: i64,
    pub(super) input_bound_tokens: i64,
    /// Of all choices together.
    pub(super) output_cap_tokens: i64,
    /// Of all choices together, as far as it is known.
    pub(super) progress_output_tokens: Option<i64>,
    pub(super) prices: Option<serde_json::Value>,
}

/// What becomes of a request, before it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Admit {
        hold: Micros,
        cap: Option<u64>,
        lowered: bool,
    },
    Wait {
        need: Micros,
    },
    Refuse,
    RetryLater,
    NotBounded(NotBounded),
}

pub(super) async fn reservation_create(
    conn: &AsyncPgConnection,
    request: &ReserveRequest,
) -> StoreResult<ReserveOutcome> {
    let (mut counter, standing) = lock_and_look(conn, request.user_id).await?;
    let state = standing.state(&counter);
    let before = counter.clone();
    let decision = decide(request, counter.head.as_ref(), &state);
    let left = match decision {
        Decision::Wait { need } => {
            enqueue(&mut counter, request, need, state.now);
            false
        }
        _ => counter.leave(request.id),
    };
    if left && counter.awaited() {
        notify(conn, request.user_id).await?; // Others kept room for it until now.
    }
    if let Decision::Admit { hold, cap, .. } = decision {
        counter.reserved = counter.reserved.saturating_add(hold);
        let reservation = reservation(request, &state, hold, cap)?;
        let insert = diesel::insert_into(ai_reservations::table).values(reservation);
        try_join(save(conn, request.user_id, &counter), run(conn, insert)).await?;
    } else if counter != before {
        save(conn, request.user_id, &counter).await?;
    }
    Ok(match decision {
        Decision::Admit { hold, cap, lowered } => ReserveOutcome::Admitted {
            hold,
            cap,
            lowered,
            state,
        },
        Decision::Wait { .. } => ReserveOutcome::Wait(state),
        Decision::Refuse => ReserveOutcome::Refused(state),
        Decision::RetryLater => ReserveOutcome::RetryLater(state),
        Decision::NotBounded(reason) => ReserveOutcome::NotBounded(reason, state),
    })
}

/// Locks the present counter and reads, after that, what holds for the person: one round trip.
async fn lock_and_look(conn: &AsyncPgConnection, user: UserId) -> StoreResult<(Counter, Standing)> {
    // The period may end between two statements: not twice.
    for _ in 0..2 {
        let (counter, standing) =
            try_join(try_lock(conn, user, None), standing(conn, user)).await?;
        if let Some(counter) = counter {
            return Ok((counter, standing));
        }
    }
    Err(internal("the counter of the present period cannot be made"))
}

fn decide(request: &ReserveRequest, head: Option<&Head>, state: &SpendState) -> Decision {
    let Some(budget) = state.budget else {
        let hold = request
            .worst_case
            .as_ref()
            .map_or(Micros::ZERO, |worst| worst.hold(worst.cap));
        return Decision::Admit {
            hold,
            cap: None,
            lowered: false,
        };
    };
    let worst = match &request.worst_case {
        Ok(worst) => worst,
        Err(reason) => return Decision::NotBounded(*reason),
    };
    let limit = LimitState {
        limit: budget.spend_limit,
        spent: state.spent,
        reserved: state.reserved,
    };
    let wait = Decision::Wait {
        need: worst.hold(worst.cap),
    };
    match judge(&[limit], worst, request.patience) {
        Verdict::Admit { hold, cap, lowered } => {
            if !must_yield(head, request.id, hold, limit.room(), state.now) {
                return Decision::Admit {
                    hold,
                    cap: Some(cap),
                    lowered,
                };
            }
            match request.patience {
                Patience::Arrived => wait,
                Patience::Expired => Decision::RetryLater,
            }
        }
        Verdict::Wait { .. } => wait,
        Verdict::Refuse { .. } => Decision::Refuse,
        Verdict::RetryLater { .. } => Decision::RetryLater,
    }
}

/// Notes that the request waits, as the first if nobody else has waited for longer. The one that has waited
/// longest is the one that every server lets look first, so nobody else may be kept room for.
fn enqueue(counter: &mut Counter, request: &ReserveRequest, need: Micros, now: DateTime<Utc>) {
    let since = request.waiting_since.unwrap_or(now);
    let before =
        |head: &Head| head.id != request.id && head.expires_at > now && head.since <= since;
    if !counter.head.as_ref().is_some_and(before) {
        counter.head = Some(Head {
            id: request.id,
            since,
            need,
            expires_at: request.gives_up_at,
        });
    }
    counter.waiting_until = counter.waiting_until.max(Some(request.gives_up_at));
}

fn reservation(
    request: &ReserveRequest,
    state: &SpendState,
    hold: Micros,
    cap: Option<u64>,
) -> StoreResult<ReservationRow> {
    let worst = request.worst_case.as_ref().ok();
    let of_worst = |field: fn(&WorstCase) -> i64| worst.map(field).unwrap_or_default();
    let cap_tokens = |worst: &WorstCase| cap.unwrap_or(worst.cap).saturating_mul(worst.choices);
    Ok(ReservationRow {
        id: request.id.0,
        lease_id: request.lease_id.0,
        user_id: request.user_id.0,
        effective_group_id: state.group_id.map(Into::into),
        organization_id: state.organization_id.map(Into::into),
        api_key_id: request.api_key_id.clone(),
        provider_id: request.provider_id.0,
        provider_name: request.provider_name.clone(),
        model: request.model.clone(),
        period_start: state.period.start,
        hold_micros: hold.0,
        input_cost_micros: of_worst(|worst| worst.input_cost.saturating_add(worst.fees).0),
        output_price_micros: of_worst(|worst| stored(worst.output_price)),
        input_bound_tokens: stored(request.input_bound_tokens),
        output_cap_tokens: stored(worst.map(cap_tokens).unwrap_or_default()),
        progress_output_tokens: None,
        prices: request
            .prices
            .as_ref()
            .map(serde_json::to_value)
            .transpose()
            .map_err(internal)?,
    })
}

/// A waiter leaves the queue. It waits under the period in which it became the head, whichever that is.
pub(super) async fn reservation_wait_end(
    conn: &AsyncPgConnection,
    user: UserId,
    id: ReservationId,
) -> StoreResult<()> {
    let of_head = spend_counters::table
        .filter(
            spend_counters::limit_kind
                .eq("user")
                .and(spend_counters::limit_id.eq(user.0)),
        )
        .filter(spend_counters::head_id.eq(id.0))
        .select(spend_counters::period_start);
    let Some(period) = row::<_, DateTime<Utc>>(conn, of_head).await? else {
        return Ok(());
    };
    let Some(mut counter) = try_lock(conn, user, Some(period)).await? else {
        return Ok(());
    };
    if !counter.leave(id) {
        return Ok(());
    }
    save(conn, user, &counter).await?;
    if counter.awaited() {
        notify(conn, user).await?;
    }
    Ok(())
}
