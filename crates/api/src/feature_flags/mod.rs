//! Features that are switched on and off while the servers run.

use utoipa_axum::router::OpenApiRouter;

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
}
