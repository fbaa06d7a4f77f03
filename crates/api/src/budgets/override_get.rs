//! A person's override.

use axum::Json;
use bursar_sdk::UserAiBudgetOverride;

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, PathParams},
};

/// Get a person's override, expired or not. Also served at `…/ai/budget/override`.
#[utoipa::path(
    get,
    path = "/users/{user}/ai/budget",
    tag = "budgets",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    responses(
        (status = 200, description = "The override.", body = UserAiBudgetOverride),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn budget_override_get(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(user): PathParams<String>,
) -> ApiResult<Json<UserAiBudgetOverride>> {
    let mut unit = caller.store.read().await?;
    let budget = unit.budgets().budget_override_get(&user).await?;
    let budget = budget.ok_or(ApiError::not_found())?;
    Ok(Json(wire::budget_override(&budget)))
}
