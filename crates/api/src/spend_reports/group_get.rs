//! What was charged to a group.

use axum::Json;
use bursar_sdk::GroupAiSpend;

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, PathParams, id_param},
};

/// Get what was charged to a group in the present period, and what its people may spend.
#[utoipa::path(
    get,
    path = "/groups/{group}/ai/spend",
    tag = "spend",
    params(("group" = uuid::Uuid, Path, description = "The group's id.")),
    responses(
        (status = 200, description = "Limits and spend.", body = GroupAiSpend),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn group_spend_get(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(group): PathParams<String>,
) -> ApiResult<Json<GroupAiSpend>> {
    let id = id_param(&group)?;
    let mut unit = caller.store.read().await?;
    let report = unit.spend_reports().group_spend_get(id).await?;
    let spend = wire::group(&report).ok_or(ApiError::not_found())?;
    Ok(Json(spend))
}
