//! With whom a workspace is shared.

use axum::Json;
use bursar_sdk::Acl;

use crate::{
    acl,
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Get with whom a workspace is shared, for who may share it. Of groups their size is told, never who is in them.
#[utoipa::path(
    get,
    path = "/workspaces/{workspace}/acl",
    tag = "workspaces",
    params(("workspace" = uuid::Uuid, Path, description = "The workspace's id.")),
    responses(
        (status = 200, description = "The entries.", body = Acl),
        (
            status = 403,
            description = "Sharing is switched off, or the caller may use the workspace but not share it.",
            body = bursar_sdk::ErrorBody,
        ),
    ),
)]
pub(crate) async fn workspace_acl_get(
    Session(caller): Session,
    PathParams(workspace): PathParams<String>,
) -> ApiResult<Json<Acl>> {
    let id = id_param(&workspace)?;
    let mut unit = caller.store.read().await?;
    let listing = unit.workspaces().workspace_acl_get(id).await?;
    Ok(Json(acl::listing(listing)))
}
