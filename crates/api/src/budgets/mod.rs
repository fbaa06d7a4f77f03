//! Budgets of groups, overrides of people, and what holds for all budgets. Every route belongs to the feature
//! `aibridge`.

mod group_delete;
mod group_get;
mod group_upsert;
mod override_delete;
mod override_get;
mod override_upsert;
mod settings_get;
mod settings_update;
mod wire;

use axum::routing::get;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) use wire::mode;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(
            group_get::group_budget_get,
            group_upsert::group_budget_upsert,
            group_delete::group_budget_delete
        ))
        .routes(routes!(
            override_get::budget_override_get,
            override_upsert::budget_override_upsert,
            override_delete::budget_override_delete
        ))
        // The same operations, where existing clients look for them: in the document they are told once.
        .route(
            "/users/{user}/ai/budget/override",
            get(override_get::budget_override_get)
                .put(override_upsert::budget_override_upsert)
                .delete(override_delete::budget_override_delete),
        )
        .routes(routes!(
            settings_get::budget_settings_get,
            settings_update::budget_settings_update
        ))
}
