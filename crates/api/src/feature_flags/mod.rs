//! Features that are switched on and off while the servers run. No admin mode is needed.

mod delete;
mod get;
mod list;
mod upsert;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::feature_flag_list))
        .routes(routes!(
            get::feature_flag_get,
            upsert::feature_flag_upsert,
            delete::feature_flag_delete
        ))
}
