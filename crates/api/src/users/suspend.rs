//! An account is stopped.

use axum::Json;
use bursar_sdk::User;
use model::users::UserStatus;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Suspend an account: it keeps its data and may do nothing.
#[utoipa::path(
    put,
    path = "/users/{user}/status/suspend",
    tag = "users",
    params(("user" = String, Path, description = "An id or a username.")),
    responses((status = 200, description = "The account.", body = User)),
)]
pub(crate) async fn user_suspend(
    Session(caller): Session,
    PathParams(user): PathParams<String>,
) -> ApiResult<Json<User>> {
    let mut unit = caller.store.begin().await?;
    let user = unit.users().user_find(&user).await?;
    let user = unit
        .users()
        .user_status_update(user.id, UserStatus::Suspended)
        .await?;
    unit.commit().await?;
    Ok(Json(wire::user(user)))
}
