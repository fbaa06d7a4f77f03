//! Which organizations people are in.

use axum::Json;
use bursar_sdk::OrganizationSyncSettings;

use super::wire;
use crate::{error::ApiResult, extract::Session};

/// Get which organizations people are in by the claims of their identity provider.
#[utoipa::path(
    get,
    path = "/settings/idpsync/organization",
    tag = "idpsync",
    responses((status = 200, description = "The settings.", body = OrganizationSyncSettings)),
)]
pub(crate) async fn idpsync_organization_get(
    Session(caller): Session,
) -> ApiResult<Json<OrganizationSyncSettings>> {
    let mut unit = caller.store.read().await?;
    let settings = unit.idpsync().idpsync_organization_get().await?;
    Ok(Json(wire::organization(&settings)))
}
