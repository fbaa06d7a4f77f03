//! A group's budget.

use axum::Json;
use bursar_sdk::GroupAiBudget;

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, PathParams, id_param},
};

/// Get a group's budget. The members of the group may read it.
#[utoipa::path(
    get,
    path = "/groups/{group}/ai/budget",
    tag = "budgets",
    params(("group" = uuid::Uuid, Path, description = "The group's id.")),
    responses(
        (status = 200, description = "The budget.", body = GroupAiBudget),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn group_budget_get(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(group): PathParams<String>,
) -> ApiResult<Json<GroupAiBudget>> {
    let id = id_param(&group)?;
    let mut unit = caller.store.read().await?;
    let budget = unit
        .budgets()
        .group_budget_get(id)
        .await?
        .ok_or(ApiError::not_found())?;
    Ok(Json(wire::group_budget(budget)))
}
