//! A new role of an organization.

use axum::{Json, extract::State};
use bursar_sdk::{CustomRoleRequest, Role};
use model::{RoleId, roles::NewCustomRole};

use super::{
    request::{Unknown, definition, new_name},
    wire,
};
use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
};

/// Make a role in an organization. Nobody puts into it what they do not hold themselves.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/members/roles",
    tag = "roles",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = CustomRoleRequest,
    responses(
        (status = 200, description = "The role.", body = Role),
        (status = 400, description = "The role cannot be like this.", body = bursar_sdk::ErrorBody),
        (status = 409, description = "The name is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn custom_role_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<CustomRoleRequest>,
) -> ApiResult<Json<Role>> {
    let name = new_name(&body.name)?;
    let definition = definition(&body, Unknown::Refused)?;
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let new = NewCustomRole {
        id: RoleId(state.auth.ids.next()),
        organization_id: found.id,
        name,
        definition,
    };
    let made = unit.roles().custom_role_create(&new).await?;
    unit.commit().await?;
    Ok(Json(wire::custom(made)))
}
