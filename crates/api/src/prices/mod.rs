//! Prices of models that this deployment sets itself, and names that models go by elsewhere. Every route belongs to the
//! feature `aibridge`. Who may not see or set prices is told so (403): that there are prices is no secret.

mod alias_delete;
mod alias_list;
mod alias_upsert;
mod delete;
mod list;
mod upsert;
mod wire;

use axum::routing::get;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(
            list::model_price_list,
            upsert::model_price_upsert,
            delete::model_price_delete
        ))
        .routes(routes!(
            alias_list::model_alias_list,
            alias_upsert::model_alias_upsert,
            alias_delete::model_alias_delete
        ))
}

/// The same operations, where existing clients look for them: in the document they are told once.
pub(crate) fn experimental_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().route(
        "/ai/model-prices",
        get(list::model_price_list)
            .post(upsert::model_price_upsert)
            .delete(delete::model_price_delete),
    )
}
