//! One workspace.

use axum::Json;
use bursar_sdk::Workspace;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Get a workspace.
#[utoipa::path(
    get,
    path = "/workspaces/{workspace}",
    tag = "workspaces",
    params(("workspace" = uuid::Uuid, Path, description = "The workspace's id.")),
    responses((status = 200, description = "The workspace.", body = Workspace)),
)]
pub(crate) async fn workspace_get(
    Session(caller): Session,
    PathParams(workspace): PathParams<String>,
) -> ApiResult<Json<Workspace>> {
    let id = id_param(&workspace)?;
    let mut unit = caller.store.read().await?;
    let found = unit.workspaces().workspace_get(id).await?;
    Ok(Json(wire::workspace(found)))
}
