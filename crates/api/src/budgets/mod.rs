//! Budgets of groups. Every route belongs to the feature `aibridge`.

mod group_delete;
mod group_get;
mod group_upsert;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(
        group_get::group_budget_get,
        group_upsert::group_budget_upsert,
        group_delete::group_budget_delete
    ))
}
