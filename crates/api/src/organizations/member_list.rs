//! Who belongs to an organization.

use axum::Json;
use bursar_sdk::OrganizationMemberWithUserData;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
    roles::OwnRoles,
};

/// List the members of an organization that the caller may see, by username.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/members",
    tag = "organizations",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    responses(
        (status = 200, description = "The members.", body = Vec<OrganizationMemberWithUserData>),
    ),
)]
pub(crate) async fn organization_member_list(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
) -> ApiResult<Json<Vec<OrganizationMemberWithUserData>>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let members = unit
        .organizations()
        .organization_member_list(found.id)
        .await?;
    let own = OwnRoles::of(unit.roles(), found.id, &members).await?;
    let shown = members
        .into_iter()
        .map(|member| wire::member_with_user_data(member, &own));
    Ok(Json(shown.collect()))
}
