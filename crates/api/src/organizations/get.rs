//! One organization.

use axum::Json;
use bursar_sdk::Organization;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Get an organization.
#[utoipa::path(
    get,
    path = "/organizations/{organization}",
    tag = "organizations",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    responses((status = 200, description = "The organization.", body = Organization)),
)]
pub(crate) async fn organization_get(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
) -> ApiResult<Json<Organization>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    Ok(Json(wire::organization(found)))
}
