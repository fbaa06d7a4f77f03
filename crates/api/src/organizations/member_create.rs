//! A person joins an organization.

use std::slice;

use axum::Json;
use bursar_sdk::OrganizationMember;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
    roles::OwnRoles,
};

/// Add a person to an organization.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/members/{user}",
    tag = "organizations",
    params(
        ("organization" = String, Path, description = "An id, a name or `default`."),
        ("user" = String, Path, description = "An id, a username or `me`."),
    ),
    responses(
        (status = 200, description = "The membership.", body = OrganizationMember),
        (status = 409, description = "It exists already.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn organization_member_create(
    Session(caller): Session,
    PathParams((organization, user)): PathParams<(String, String)>,
) -> ApiResult<Json<OrganizationMember>> {
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let user = unit.users().user_find(&user).await?;
    let member = unit
        .organizations()
        .organization_member_create(found.id, user.id, &[])
        .await?;
    let own = OwnRoles::of(unit.roles(), found.id, slice::from_ref(&member)).await?;
    unit.commit().await?;
    Ok(Json(wire::member(member, &own)))
}
