//! The first account, made once.

use auth::{FirstUser, first_user_create as create};
use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{CreateFirstUserRequest, CreateFirstUserResponse};
use secrecy::SecretString;

use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, Unsigned},
    validate::{both, display_name, parse, username},
};

/// Make the first account, its owner, and the default organization.
///
/// Once only, also when two requests race.
#[utoipa::path(
    post,
    path = "/users/first",
    tag = "users",
    request_body = CreateFirstUserRequest,
    responses((status = 201, description = "Both were made.", body = CreateFirstUserResponse)),
)]
pub(crate) async fn first_user_create(
    State(state): State<ApiState>,
    Unsigned(request_id): Unsigned,
    JsonBody(body): JsonBody<CreateFirstUserRequest>,
) -> ApiResult<(StatusCode, Json<CreateFirstUserResponse>)> {
    let names = both(
        username("username", &body.username),
        display_name("name", &body.name),
    );
    let (email, (username, name)) = both(parse("email", &body.email), names)?;
    let password = SecretString::from(body.password.expose());
    let user = FirstUser {
        email,
        username,
        name,
        password,
    };
    let (user, organization) = create(&state.auth, user, request_id).await?;
    let made = CreateFirstUserResponse {
        user_id: user.0,
        organization_id: organization.0,
    };
    Ok((StatusCode::CREATED, Json(made)))
}
