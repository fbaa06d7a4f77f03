//! Whether the caller is in admin mode.

use axum::Json;
use bursar_sdk::AdminMode;

use super::wire;
use crate::extract::Session;

/// Tell whether the session that the request came with is in admin mode, and until when.
#[utoipa::path(
    get,
    path = "/users/me/admin-mode",
    tag = "users",
    responses((status = 200, description = "Whether it is.", body = AdminMode)),
)]
pub(crate) async fn admin_mode_get(Session(caller): Session) -> Json<AdminMode> {
    Json(wire::admin_mode(caller.admin_mode))
}
