//! Reports of what people and groups spent.

use utoipa_axum::router::OpenApiRouter;

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
}
