//! Which groups of an organization its people are in.

use axum::Json;
use bursar_sdk::GroupSyncSettings;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Get which groups of an organization its people are in by the claims of their identity provider.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/settings/idpsync/groups",
    tag = "idpsync",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    responses((status = 200, description = "The settings.", body = GroupSyncSettings)),
)]
pub(crate) async fn idpsync_groups_get(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
) -> ApiResult<Json<GroupSyncSettings>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let settings = unit.idpsync().idpsync_groups_get(found.id).await?;
    Ok(Json(wire::groups(&settings)))
}
