//! Messages to people: the inbox.

mod list;
mod read_all;
mod update;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::notification_list))
        .routes(routes!(update::notification_update))
        .routes(routes!(read_all::notification_read_all))
}
