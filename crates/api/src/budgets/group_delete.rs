//! A group's budget is removed.

use axum::http::StatusCode;

use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, PathParams, id_param},
};

/// Remove a group's budget: its members are without a limit, unless another budget applies to them.
#[utoipa::path(
    delete,
    path = "/groups/{group}/ai/budget",
    tag = "budgets",
    params(("group" = uuid::Uuid, Path, description = "The group's id.")),
    responses(
        (status = 204, description = "It was removed."),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn group_budget_delete(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(group): PathParams<String>,
) -> ApiResult<StatusCode> {
    let id = id_param(&group)?;
    let mut unit = caller.store.begin().await?;
    if !unit.budgets().group_budget_delete(id).await? {
        return Err(ApiError::not_found());
    }
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
