//! Where messages are sent to besides the inbox, and what is still to be sent.

use utoipa_axum::router::OpenApiRouter;

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
}
