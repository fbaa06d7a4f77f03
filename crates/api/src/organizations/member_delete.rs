//! A person leaves an organization.

use axum::http::StatusCode;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Remove a person from an organization, and from its groups first.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/members/{user}",
    tag = "organizations",
    params(
        ("organization" = String, Path, description = "An id, a name or `default`."),
        ("user" = String, Path, description = "An id, a username or `me`."),
    ),
    responses((status = 204, description = "The membership ended.")),
)]
pub(crate) async fn organization_member_delete(
    Session(caller): Session,
    PathParams((organization, user)): PathParams<(String, String)>,
) -> ApiResult<StatusCode> {
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let mut organizations = unit.organizations();
    let member = organizations
        .organization_member_find(found.id, &user)
        .await?;
    organizations
        .organization_member_delete(found.id, member.user_id)
        .await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
