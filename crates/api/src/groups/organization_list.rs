//! The groups of an organization.

use axum::Json;
use bursar_sdk::Group;
use model::groups::GroupFilter;

use super::list::list;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// List the groups of an organization that the caller may see, by name.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/groups",
    tag = "groups",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    responses((status = 200, description = "The groups.", body = Vec<Group>)),
)]
pub(crate) async fn organization_group_list(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
) -> ApiResult<Json<Vec<Group>>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let filter = GroupFilter {
        organization_id: Some(found.id),
        user_id: None,
    };
    Ok(Json(list(&mut unit, filter).await?))
}
