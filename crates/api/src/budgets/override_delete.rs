//! A person's override is removed.

use axum::http::StatusCode;

use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, PathParams},
};

/// Remove a person's override: the budgets of the person's groups hold again. Also served at
/// `…/ai/budget/override`.
#[utoipa::path(
    delete,
    path = "/users/{user}/ai/budget",
    tag = "budgets",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    responses(
        (status = 204, description = "It was removed."),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn budget_override_delete(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(user): PathParams<String>,
) -> ApiResult<StatusCode> {
    let mut unit = caller.store.begin().await?;
    if !unit.budgets().budget_override_delete(&user).await? {
        return Err(ApiError::not_found());
    }
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
