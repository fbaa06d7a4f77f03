//! A change of a role of an organization.

use axum::Json;
use bursar_sdk::{CustomRoleRequest, Role};

use super::{
    request::{Unknown, definition, name, no_such_role},
    wire,
};
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
};

/// Replace what a role of an organization is and holds; it is found by its name and keeps it. Permissions that the
/// program does not know any more are dropped.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/members/roles",
    tag = "roles",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = CustomRoleRequest,
    responses(
        (status = 200, description = "The role.", body = Role),
        (status = 400, description = "The role cannot be like this.", body = bursar_sdk::ErrorBody),
        (status = 403, description = "The role holds what the caller may not grant.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn custom_role_update(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<CustomRoleRequest>,
) -> ApiResult<Json<Role>> {
    let name = name(&body.name)?;
    let definition = definition(&body, Unknown::Dropped)?;
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let changed = unit
        .roles()
        .custom_role_update(found.id, &name, &definition)
        .await
        .map_err(|error| no_such_role(error, &name))?;
    unit.commit().await?;
    Ok(Json(wire::custom(changed)))
}
