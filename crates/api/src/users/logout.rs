//! Signing out.

use auth::{logout as sign_out, session_cookie_removed};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use bursar_sdk::Message;

use crate::{ApiState, error::ApiResult, extract::Session};

/// Sign out: end the session or token that the request came with.
#[utoipa::path(
    post,
    path = "/users/logout",
    tag = "users",
    responses((status = 200, description = "Signed out.", body = Message)),
)]
pub(crate) async fn logout(
    State(state): State<ApiState>,
    Session(caller): Session,
) -> ApiResult<Response> {
    sign_out(&caller).await?;
    let cookie = session_cookie_removed(&state.auth);
    let answer = Json(Message {
        message: "Logged out!".to_owned(),
    });
    Ok(([(header::SET_COOKIE, cookie)], answer).into_response())
}
