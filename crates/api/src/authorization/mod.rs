//! What somebody may do, and which scopes there are.

mod check;
mod scope_list;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(check::authorization_check))
        .routes(routes!(scope_list::scope_list))
}
