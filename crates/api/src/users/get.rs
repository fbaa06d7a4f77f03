//! One account.

use axum::Json;
use bursar_sdk::User;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Get an account.
#[utoipa::path(
    get,
    path = "/users/{user}",
    tag = "users",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    responses((status = 200, description = "The account.", body = User)),
)]
pub(crate) async fn user_get(
    Session(caller): Session,
    PathParams(user): PathParams<String>,
) -> ApiResult<Json<User>> {
    let mut unit = caller.store.read().await?;
    let user = unit.users().user_find(&user).await?;
    Ok(Json(wire::user(user)))
}
