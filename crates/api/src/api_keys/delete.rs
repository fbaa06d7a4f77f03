//! The end of a session or API token.

use axum::http::StatusCode;

use crate::{
    error::{ApiError, ApiResult},
    extract::{PathParams, Session},
};

/// End a person's session or API token.
#[utoipa::path(
    delete,
    path = "/users/{user}/keys/{id}",
    tag = "api keys",
    params(
        ("user" = String, Path, description = "An id, a username or `me`."),
        ("id" = String, Path, description = "The key's public id: what stands before its hyphen."),
    ),
    responses((status = 204, description = "It ended.")),
)]
pub(crate) async fn api_key_delete(
    Session(caller): Session,
    PathParams((user, id)): PathParams<(String, String)>,
) -> ApiResult<StatusCode> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(ApiError::not_found());
    }
    let mut unit = caller.store.begin().await?;
    let user = unit.users().user_find(&user).await?;
    let key = unit.api_keys().api_key_get(&id).await?;
    if key.user_id != user.id {
        return Err(ApiError::not_found());
    }
    unit.api_keys().api_key_delete(&key.id).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
