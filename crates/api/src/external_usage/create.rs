//! Spend that has happened elsewhere.

use axum::{Json, extract::State};
use bursar_sdk::{ReportAiUsageRequest, ReportedAiUsage};

use super::{read, tell::tell, wire};
use crate::{
    ApiState,
    error::ApiResult,
    extract::{AiBridgeSession, JsonBody},
};

/// Report spend that has happened elsewhere: up to 1,000 events, all of them or none.
///
/// Each person's spend is charged to the group, and counts in the period, of the moment at which it is reported. It is
/// recorded also where it passes a limit, and marked there. The caller needs `ai_usage_event:create` in the organization
/// of each charged group. An event whose key came before is answered as before, and charged once.
#[utoipa::path(
    post,
    path = "/ai/usage",
    tag = "external_usage",
    request_body = ReportAiUsageRequest,
    responses(
        (status = 200, description = "What became of each event, in their order.", body = ReportedAiUsage),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
        (status = 404, description = "People do not exist, or may not be charged by the caller; `validations` says \
            which. Nothing was recorded.", body = bursar_sdk::ErrorBody),
        (status = 409, description = "Keys came with something else before; `validations` names them. Nothing was \
            recorded.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn external_usage_create(
    State(state): State<ApiState>,
    AiBridgeSession(caller): AiBridgeSession,
    JsonBody(body): JsonBody<ReportAiUsageRequest>,
) -> ApiResult<Json<ReportedAiUsage>> {
    let claims = read::usage(&body)?;
    let mut unit = caller.store.begin().await?;
    let reports = unit.external_usage().external_usage_create(&claims).await?;
    unit.commit().await?;
    tell(&state, &reports.wake).await;
    Ok(Json(wire::reported(reports.outcomes)))
}
