//! Whether the first account was made.

use auth::first_user_exists as exists;
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bursar_sdk::Message;

use crate::{ApiState, error::ApiResult};

/// Tell whether the first account was made.
///
/// 200 when it was, 404 when it was not.
#[utoipa::path(
    get,
    path = "/users/first",
    tag = "users",
    responses(
        (status = 200, description = "It was made.", body = Message),
        (status = 404, description = "It was not made yet.", body = Message),
    ),
)]
pub(crate) async fn first_user_exists(State(state): State<ApiState>) -> ApiResult<Response> {
    let (status, message) = if exists(&state.auth).await? {
        (StatusCode::OK, "The initial user has already been created!")
    } else {
        (
            StatusCode::NOT_FOUND,
            "The initial user has not been created!",
        )
    };
    Ok((
        status,
        Json(Message {
            message: message.to_owned(),
        }),
    )
        .into_response())
}
