//! Other site roles for a person.

use axum::Json;
use bursar_sdk::{UpdateRolesRequest, User};

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
};

/// Replace the site roles that a person was given.
#[utoipa::path(
    put,
    path = "/users/{user}/roles",
    tag = "users",
    params(("user" = String, Path, description = "An id or a username.")),
    request_body = UpdateRolesRequest,
    responses(
        (status = 200, description = "The person.", body = User),
        (status = 403, description = "The caller may not give or take one of the roles.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn user_roles_update(
    Session(caller): Session,
    PathParams(user): PathParams<String>,
    JsonBody(body): JsonBody<UpdateRolesRequest>,
) -> ApiResult<Json<User>> {
    let mut unit = caller.store.begin().await?;
    let user = unit.users().user_find(&user).await?;
    let user = unit.users().user_roles_update(user.id, &body.roles).await?;
    unit.commit().await?;
    Ok(Json(wire::user(user)))
}
