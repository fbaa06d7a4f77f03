//! API tokens.

mod create;
mod delete;
mod list;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::api_key_list, create::api_key_create))
        .routes(routes!(delete::api_key_delete))
}
