//! The roles of a person.

use axum::Json;
use bursar_sdk::UserRoles;
use store::StoreError;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Get the roles that a person was given, on the site and in the organizations that the caller may see.
#[utoipa::path(
    get,
    path = "/users/{user}/roles",
    tag = "users",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    responses((status = 200, description = "The roles.", body = UserRoles)),
)]
pub(crate) async fn user_roles_get(
    Session(caller): Session,
    PathParams(user): PathParams<String>,
) -> ApiResult<Json<UserRoles>> {
    let mut unit = caller.store.read().await?;
    let user = unit.users().user_find(&user).await?;
    let mut roles = UserRoles {
        roles: user.roles,
        ..UserRoles::default()
    };
    for id in user.organization_ids {
        match unit
            .organizations()
            .organization_member_get(id, user.id)
            .await
        {
            Ok(member) => drop(roles.organization_roles.insert(id.0, member.roles)),
            Err(StoreError::NotFound | StoreError::Denied { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Json(roles))
}
