//! Receivers of events, and what is sent to them. Their secrets are shown once at most.

mod create;
mod delete;
mod delivery_list;
mod get;
mod list;
mod ping;
mod redeliver;
mod update;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::webhook_list, create::webhook_create))
        .routes(routes!(
            get::webhook_get,
            update::webhook_update,
            delete::webhook_delete
        ))
        .routes(routes!(ping::webhook_ping))
        .routes(routes!(delivery_list::webhook_delivery_list))
        .routes(routes!(redeliver::webhook_redeliver))
}
