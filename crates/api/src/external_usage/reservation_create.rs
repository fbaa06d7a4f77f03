//! Room that another gateway asks for before it spends.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{AiBudgetRefusalKind, AiReservation, CreateAiReservationRequest};
use model::external_usage::AskOutcome;

use super::{read, reservation_get::shown, wire};
use crate::{
    ApiState,
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, JsonBody},
};

/// Hold what a request to a provider may cost, before it is sent.
///
/// It is held under every limit that applies to the person, or not at all. A hold that is neither settled nor released
/// before it expires is charged whole; a later settlement corrects that. The caller needs `ai_usage_event:create` in the
/// organization of the group that is charged.
#[utoipa::path(
    post,
    path = "/ai/reservations",
    tag = "external_usage",
    request_body = CreateAiReservationRequest,
    responses(
        (status = 201, description = "The hold.", body = AiReservation),
        (status = 200, description = "The hold that was made before under this key.", body = AiReservation),
        (status = 402, description = "It cannot fit in this period; `budget` says what is in the way. Nothing is kept, \
            not even the key.", body = bursar_sdk::ErrorBody),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
        (status = 404, description = "The person does not exist, is suspended, or may not be charged by the caller.",
            body = bursar_sdk::ErrorBody),
        (status = 409, description = "The key came with something else before.", body = bursar_sdk::ErrorBody),
        (status = 429, description = "It may fit when other requests are settled: try again after `Retry-After`. \
            `budget` says what is in the way. Nothing is kept, not even the key.", body = bursar_sdk::ErrorBody),
        (status = 503, description = "It is not known at the moment which caps hold (`detail` is `caps_unavailable`): try \
            again after `Retry-After`. Nothing is kept, not even the key.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn external_reservation_create(
    State(state): State<ApiState>,
    AiBridgeSession(caller): AiBridgeSession,
    JsonBody(body): JsonBody<CreateAiReservationRequest>,
) -> ApiResult<(StatusCode, Json<AiReservation>)> {
    let claim = read::reservation(&body, &*state.auth.ids)?;
    let mut unit = caller.store.begin().await?;
    let outcome = unit
        .external_usage()
        .external_reservation_create(&claim)
        .await?;
    let (status, id) = match outcome {
        AskOutcome::Held(id) => {
            unit.commit().await?;
            (StatusCode::CREATED, id)
        }
        AskOutcome::Known(id) => (StatusCode::OK, id),
        AskOutcome::Refused(state) => {
            return Err(wire::refusal(AiBudgetRefusalKind::OverBudget, &state));
        }
        AskOutcome::RetryLater(state) => {
            return Err(wire::refusal(AiBudgetRefusalKind::RetryLater, &state));
        }
        AskOutcome::CapsUnknown(scope) => return Err(ApiError::CapsUnknown(scope)),
    };
    Ok((status, shown(&caller, id).await?))
}
