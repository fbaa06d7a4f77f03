//! Which roles people hold in an organization.

use axum::Json;
use bursar_sdk::RoleSyncSettings;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Get which roles people hold in an organization by the claims of their identity provider.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/settings/idpsync/roles",
    tag = "idpsync",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    responses((status = 200, description = "The settings.", body = RoleSyncSettings)),
)]
pub(crate) async fn idpsync_roles_get(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
) -> ApiResult<Json<RoleSyncSettings>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let settings = unit.idpsync().idpsync_roles_get(found.id).await?;
    Ok(Json(wire::roles(&settings)))
}
