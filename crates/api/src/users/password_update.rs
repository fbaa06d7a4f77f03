//! A new password.

use auth::password_update;
use axum::{extract::State, http::StatusCode};
use bursar_sdk::{Secret, UpdateUserPasswordRequest};

use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
};

/// Change a password. One's own needs the old one; the account's other sessions end.
#[utoipa::path(
    put,
    path = "/users/{user}/password",
    tag = "users",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    request_body = UpdateUserPasswordRequest,
    responses((status = 204, description = "It was changed.")),
)]
pub(crate) async fn user_password_update(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(user): PathParams<String>,
    JsonBody(body): JsonBody<UpdateUserPasswordRequest>,
) -> ApiResult<StatusCode> {
    let user = caller.store.read().await?.users().user_find(&user).await?;
    let old = body.old_password.as_ref().map(Secret::expose);
    password_update(&state.auth, &caller, user.id, old, body.password.expose()).await?;
    Ok(StatusCode::NO_CONTENT)
}
