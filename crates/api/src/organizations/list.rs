//! The organizations that the caller may see.

use axum::Json;
use bursar_sdk::Organization;

use super::wire;
use crate::{error::ApiResult, extract::Session};

/// List the organizations that the caller may see, by name.
#[utoipa::path(
    get,
    path = "/organizations",
    tag = "organizations",
    responses((status = 200, description = "The organizations.", body = Vec<Organization>)),
)]
pub(crate) async fn organization_list(
    Session(caller): Session,
) -> ApiResult<Json<Vec<Organization>>> {
    let mut unit = caller.store.read().await?;
    let found = unit.organizations().organization_list().await?;
    Ok(Json(found.into_iter().map(wire::organization).collect()))
}
