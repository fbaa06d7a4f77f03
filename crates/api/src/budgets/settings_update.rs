//! A change of what holds for all budgets.

use axum::Json;
use bursar_sdk::{
    AiBudgetEveryone, AiBudgetPolicy, AiBudgetSettings, UpdateAiBudgetSettingsRequest,
};
use model::{
    alerts::AlertThresholds,
    budgets::{BudgetPolicy, BudgetSettingsUpdate, EveryoneBudget},
};

use super::wire::{self, read_period};
use crate::{
    error::ApiResult,
    extract::{AiBridgeSession, JsonBody},
    validate::{Checked, optional, wrong},
};

/// Change what holds for all budgets of the deployment; what is absent stays as it is.
///
/// With another period or time zone, what was spent in the present period is counted anew.
#[utoipa::path(
    patch,
    path = "/ai/budget-settings",
    tag = "budgets",
    request_body = UpdateAiBudgetSettingsRequest,
    responses(
        (status = 200, description = "The settings.", body = AiBudgetSettings),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn budget_settings_update(
    AiBridgeSession(caller): AiBridgeSession,
    JsonBody(body): JsonBody<UpdateAiBudgetSettingsRequest>,
) -> ApiResult<Json<AiBudgetSettings>> {
    let update = update(body)?;
    let mut unit = caller.store.begin().await?;
    let settings = unit.budgets().budget_settings_update(&update).await?;
    unit.commit().await?;
    Ok(Json(wire::settings(settings)))
}

fn update(body: UpdateAiBudgetSettingsRequest) -> Checked<BudgetSettingsUpdate> {
    let policy = |policy| match policy {
        AiBudgetPolicy::Highest => BudgetPolicy::Highest,
        AiBudgetPolicy::Lowest => BudgetPolicy::Lowest,
        AiBudgetPolicy::Sum => BudgetPolicy::Sum,
    };
    let everyone = |everyone| match everyone {
        AiBudgetEveryone::Competes => EveryoneBudget::Competes,
        AiBudgetEveryone::Default => EveryoneBudget::Default,
    };
    let thresholds = |all: Vec<u16>| {
        AlertThresholds::new(&all).or_else(|error| wrong("alert_thresholds", error))
    };
    Ok(BudgetSettingsUpdate {
        policy: body.policy.map(policy),
        everyone: body.everyone.map(everyone),
        period: body.period.map(read_period),
        time_zone: body.time_zone,
        alert_thresholds: optional(body.alert_thresholds, thresholds)?,
    })
}
