//! What holds for all budgets.

use axum::Json;
use bursar_sdk::AiBudgetSettings;

use super::wire;
use crate::{error::ApiResult, extract::AiBridgeSession};

/// Get what holds for all budgets of the deployment.
#[utoipa::path(
    get,
    path = "/ai/budget-settings",
    tag = "budgets",
    responses(
        (status = 200, description = "The settings.", body = AiBudgetSettings),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn budget_settings_get(
    AiBridgeSession(caller): AiBridgeSession,
) -> ApiResult<Json<AiBudgetSettings>> {
    let mut unit = caller.store.read().await?;
    let settings = unit.budgets().budget_settings_get().await?;
    Ok(Json(wire::settings(settings)))
}
