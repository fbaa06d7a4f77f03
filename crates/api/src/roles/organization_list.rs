//! The roles of an organization.

use axum::Json;
use bursar_sdk::AssignableRole;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// List the roles that there are to be given in an organization: those of the program, then its own by name.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/members/roles",
    tag = "roles",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    responses((status = 200, description = "The roles.", body = Vec<AssignableRole>)),
)]
pub(crate) async fn organization_role_list(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
) -> ApiResult<Json<Vec<AssignableRole>>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let roles = unit.roles().organization_role_list(found.id).await?;
    let shown = roles
        .into_iter()
        .map(|role| wire::assignable(&role, Some(found.id)));
    Ok(Json(shown.collect()))
}
