//! A group's budget is set.

use axum::Json;
use bursar_sdk::{GroupAiBudget, UpsertGroupAiBudgetRequest};
use model::budgets::GroupBudgetUpsert;

use super::wire::{self, read_limit, read_mode, read_period};
use crate::{
    error::ApiResult,
    extract::{AiBridgeSession, JsonBody, PathParams, id_param},
    validate::change,
};

/// Set a group's budget: what each of its members may spend in a period, and its pool. Zero blocks.
///
/// What is optional and absent stays as it is. Setting what is set already changes nothing.
#[utoipa::path(
    put,
    path = "/groups/{group}/ai/budget",
    tag = "budgets",
    params(("group" = uuid::Uuid, Path, description = "The group's id.")),
    request_body = UpsertGroupAiBudgetRequest,
    responses(
        (status = 200, description = "The budget.", body = GroupAiBudget),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn group_budget_upsert(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(group): PathParams<String>,
    JsonBody(body): JsonBody<UpsertGroupAiBudgetRequest>,
) -> ApiResult<Json<GroupAiBudget>> {
    let id = id_param(&group)?;
    let budget = upsert(body)?;
    let mut unit = caller.store.begin().await?;
    let budget = unit.budgets().group_budget_upsert(id, &budget).await?;
    unit.commit().await?;
    Ok(Json(wire::group_budget(budget)))
}

fn upsert(body: UpsertGroupAiBudgetRequest) -> ApiResult<GroupBudgetUpsert> {
    Ok(GroupBudgetUpsert {
        spend_limit: read_limit("spend_limit_micros", body.spend_limit_micros)?,
        mode: body.mode.map(read_mode),
        pool_limit: change(body.pool_limit_micros, |limit| {
            read_limit("pool_limit_micros", limit)
        })?,
        pool_period: change(body.pool_period, |period| {
            ApiResult::Ok(read_period(period))
        })?,
        pool_time_zone: change(body.pool_time_zone, ApiResult::Ok)?,
    })
}
