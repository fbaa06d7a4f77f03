//! Messages to people: the inbox.

use utoipa_axum::router::OpenApiRouter;

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
}
