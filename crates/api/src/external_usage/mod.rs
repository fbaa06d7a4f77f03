//! Spend that other gateways report, or ask for first. Every route belongs to the feature `aibridge`.

mod create;
mod read;
mod reservation_create;
mod reservation_get;
mod reservation_update;
mod tell;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create::external_usage_create))
        .routes(routes!(reservation_create::external_reservation_create))
        .routes(routes!(
            reservation_get::external_reservation_get,
            reservation_update::external_reservation_update
        ))
}
