//! Into admin mode.

use auth::admin_mode_begin as begin;
use axum::{Json, extract::State};
use bursar_sdk::{AdminMode, BeginAdminModeRequest, Secret};

use super::wire;
use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, Session},
};

/// Put the session that the request came with into admin mode, by confirming the caller's password.
///
/// What concerns the whole deployment's money asks for admin mode besides the right. It adds no right, ends after a
/// while, and again with a password change. An API token has the scope `admin_mode` instead. People who sign in at an
/// identity provider begin it there, by `/users/oidc/admin-mode`.
#[utoipa::path(
    post,
    path = "/users/me/admin-mode",
    tag = "users",
    request_body = BeginAdminModeRequest,
    responses(
        (status = 200, description = "It is in admin mode.", body = AdminMode),
        (status = 401, description = "The password is wrong.", body = bursar_sdk::ErrorBody),
        (
            status = 403, description = "By an API token, or the caller signs in at the identity provider.",
            body = bursar_sdk::ErrorBody,
        ),
        (status = 429, description = "Too many attempts.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn admin_mode_begin(
    State(state): State<ApiState>,
    Session(caller): Session,
    body: Option<JsonBody<BeginAdminModeRequest>>,
) -> ApiResult<Json<AdminMode>> {
    let body = body.map(|JsonBody(body)| body).unwrap_or_default();
    let password = body.password.as_ref().map(Secret::expose);
    let mode = begin(&state.auth, &caller, password).await?;
    Ok(Json(wire::admin_mode(mode)))
}
