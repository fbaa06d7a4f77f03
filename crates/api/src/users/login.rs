//! Signing in.

use auth::{login as sign_in, session_cookie};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bursar_sdk::{LoginWithPasswordRequest, LoginWithPasswordResponse, Secret};
use secrecy::ExposeSecret;

use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, Unsigned},
};

/// Sign in with an e-mail address and a password.
///
/// The session's token comes in the answer, and for browsers as the cookie `bursar_session`.
#[utoipa::path(
    post,
    path = "/users/login",
    tag = "users",
    request_body = LoginWithPasswordRequest,
    responses(
        (status = 201, description = "Signed in.", body = LoginWithPasswordResponse),
        (status = 401, description = "Address or password is wrong.", body = bursar_sdk::ErrorBody),
        (status = 429, description = "Too many attempts.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn login(
    State(state): State<ApiState>,
    Unsigned(request_id): Unsigned,
    JsonBody(body): JsonBody<LoginWithPasswordRequest>,
) -> ApiResult<Response> {
    let login = sign_in(&state.auth, &body.email, body.password.expose(), request_id).await?;
    let cookie = session_cookie(&state.auth, &login.token);
    let session_token = Secret::new(login.token.expose_secret());
    let answer = Json(LoginWithPasswordResponse { session_token });
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], answer).into_response())
}
