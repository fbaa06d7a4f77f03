//! The deployment itself: its version, its document, its health.

mod build_info;
mod healthz;
mod metrics;
mod openapi_document;
mod readyz;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

/// Routes under the API's prefix.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(build_info::build_info))
        .routes(routes!(openapi_document::openapi_document))
}

/// Routes at the root, where probes look for them.
pub(crate) fn root_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(healthz::healthz))
        .routes(routes!(readyz::readyz))
        .routes(routes!(metrics::metrics))
}
