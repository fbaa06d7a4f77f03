//! A hold of another gateway is settled, released or extended.

use axum::{Json, extract::State};
use bursar_sdk::{AiBudgetRefusalKind, AiReservation, PatchAiReservationRequest};
use model::external_usage::{ChangeOutcome, Closing, ExternalRecord};

use super::{read, reservation_get::shown, tell::tell, wire};
use crate::{
    ApiState,
    error::{ApiError, ApiResult, HoldConflict},
    extract::{AiBridgeSession, JsonBody, PathParams, id_param},
};

/// Settle, release or extend a hold.
///
/// `settle` charges what the request cost, `release` nothing. Each happens once: done again in the same way it changes
/// nothing and is answered as before. A settlement is never refused for its amount: what passes the hold is recorded and
/// marked. A hold that has expired was charged whole, and is corrected by both. `extend` raises what is held, if all
/// limits have room for it, or the time. For the reporter who asked for the hold, with `ai_usage_event:create` in the
/// organization of the charged group.
#[utoipa::path(
    patch,
    path = "/ai/reservations/{reservation}",
    tag = "external_usage",
    params(("reservation" = uuid::Uuid, Path, description = "The hold's id.")),
    request_body = PatchAiReservationRequest,
    responses(
        (status = 200, description = "The hold.", body = AiReservation),
        (status = 402, description = "More cannot fit in the hold's period; it holds what it held.",
            body = bursar_sdk::ErrorBody),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
        (status = 409, description = "It was closed before in another way, or it is to be extended and has expired.",
            body = bursar_sdk::ErrorBody),
        (status = 429, description = "More may fit when other requests are settled; it holds what it held.",
            body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn external_reservation_update(
    State(state): State<ApiState>,
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(reservation): PathParams<String>,
    JsonBody(body): JsonBody<PatchAiReservationRequest>,
) -> ApiResult<Json<AiReservation>> {
    let id = id_param(&reservation)?;
    let change = read::change(&body)?;
    let mut unit = caller.store.begin().await?;
    let outcome = unit
        .external_usage()
        .external_reservation_update(id, &change)
        .await?;
    match outcome {
        ChangeOutcome::Changed { wake } => {
            unit.commit().await?;
            tell(&state, &wake).await;
        }
        ChangeOutcome::Same => drop(unit),
        ChangeOutcome::Closed(record) => return Err(ApiError::Hold(closed(&record))),
        ChangeOutcome::Expired(_) => return Err(ApiError::Hold(HoldConflict::Expired)),
        ChangeOutcome::Refused(state) => {
            return Err(wire::refusal(AiBudgetRefusalKind::OverBudget, &state));
        }
        ChangeOutcome::RetryLater(state) => {
            return Err(wire::refusal(AiBudgetRefusalKind::RetryLater, &state));
        }
    }
    shown(&caller, id).await
}

fn closed(record: &ExternalRecord) -> HoldConflict {
    let hold = record.hold.as_ref();
    match hold.and_then(|hold| hold.closed.as_ref()) {
        Some(closed) if closed.how == Closing::Release => HoldConflict::Released,
        _ => HoldConflict::Settled,
    }
}
