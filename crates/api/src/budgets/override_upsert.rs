//! A person's override is set.

use axum::Json;
use bursar_sdk::{UpsertUserAiBudgetOverrideRequest, UserAiBudgetOverride};
use model::{GroupId, budgets::BudgetOverrideUpsert};

use super::wire::{self, read_limit, read_mode};
use crate::{
    error::ApiResult,
    extract::{AiBridgeSession, JsonBody, PathParams},
    validate::instant,
};

/// Set a person's override: what the person may spend in a period, whatever budgets the person's groups have, and
/// the group that is charged.
///
/// It is set whole: what is absent is what it is by default. Setting what is set already changes nothing. Also
/// served at `…/ai/budget/override`.
#[utoipa::path(
    put,
    path = "/users/{user}/ai/budget",
    tag = "budgets",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    request_body = UpsertUserAiBudgetOverrideRequest,
    responses(
        (status = 200, description = "The override.", body = UserAiBudgetOverride),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn budget_override_upsert(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(user): PathParams<String>,
    JsonBody(body): JsonBody<UpsertUserAiBudgetOverrideRequest>,
) -> ApiResult<Json<UserAiBudgetOverride>> {
    let budget = upsert(&body)?;
    let mut unit = caller.store.begin().await?;
    let budget = unit
        .budgets()
        .budget_override_upsert(&user, &budget)
        .await?;
    unit.commit().await?;
    Ok(Json(wire::budget_override(&budget)))
}

fn upsert(body: &UpsertUserAiBudgetOverrideRequest) -> ApiResult<BudgetOverrideUpsert> {
    Ok(BudgetOverrideUpsert {
        group_id: GroupId(body.group_id),
        spend_limit: read_limit("spend_limit_micros", body.spend_limit_micros)?,
        mode: body.mode.map(read_mode).unwrap_or_default(),
        expires_at: instant("expires_at", body.expires_at)?,
    })
}
