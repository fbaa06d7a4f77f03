//! One hold of another gateway.

use auth::Caller;
use axum::Json;
use bursar_sdk::AiReservation;
use model::ReservationId;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{AiBridgeSession, PathParams, id_param},
};

/// Get a hold, and the limits that apply to its person at this instant.
///
/// For the reporter who asked for it, and for whoever may read usage in the organization of the charged group.
#[utoipa::path(
    get,
    path = "/ai/reservations/{reservation}",
    tag = "external_usage",
    params(("reservation" = uuid::Uuid, Path, description = "The hold's id.")),
    responses(
        (status = 200, description = "The hold.", body = AiReservation),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn external_reservation_get(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(reservation): PathParams<String>,
) -> ApiResult<Json<AiReservation>> {
    shown(&caller, id_param(&reservation)?).await
}

/// A hold as it is now.
pub(super) async fn shown(caller: &Caller, id: ReservationId) -> ApiResult<Json<AiReservation>> {
    let mut unit = caller.store.read().await?;
    let (record, view) = unit.external_usage().external_reservation_get(id).await?;
    Ok(Json(wire::reservation(record, &view.state)?))
}
