//! Other roles for a member of an organization.

use std::slice;

use axum::Json;
use bursar_sdk::{OrganizationMember, UpdateRolesRequest};

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
    roles::OwnRoles,
};

/// Replace the roles that a member of an organization was given there.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/members/{user}/roles",
    tag = "organizations",
    params(
        ("organization" = String, Path, description = "An id, a name or `default`."),
        ("user" = String, Path, description = "An id, a username or `me`."),
    ),
    request_body = UpdateRolesRequest,
    responses(
        (status = 200, description = "The membership.", body = OrganizationMember),
        (status = 403, description = "The caller may not give or take one of the roles.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn organization_member_roles_update(
    Session(caller): Session,
    PathParams((organization, user)): PathParams<(String, String)>,
    JsonBody(body): JsonBody<UpdateRolesRequest>,
) -> ApiResult<Json<OrganizationMember>> {
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let mut organizations = unit.organizations();
    let member = organizations
        .organization_member_find(found.id, &user)
        .await?;
    let member = organizations
        .organization_member_roles_update(found.id, member.user_id, &body.roles)
        .await?;
    let own = OwnRoles::of(unit.roles(), found.id, slice::from_ref(&member)).await?;
    unit.commit().await?;
    Ok(Json(wire::member(member, &own)))
}
