//! A workspace's sleep.

use axum::Json;
use bursar_sdk::{UpdateWorkspaceDormancyRequest, Workspace};

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session, id_param},
};

/// Put a workspace to sleep, or wake it. Whom it is shared with is kept, and does not count while it sleeps.
#[utoipa::path(
    put,
    path = "/workspaces/{workspace}/dormant",
    tag = "workspaces",
    params(("workspace" = uuid::Uuid, Path, description = "The workspace's id.")),
    request_body = UpdateWorkspaceDormancyRequest,
    responses((status = 200, description = "The workspace.", body = Workspace)),
)]
pub(crate) async fn workspace_dormant_update(
    Session(caller): Session,
    PathParams(workspace): PathParams<String>,
    JsonBody(body): JsonBody<UpdateWorkspaceDormancyRequest>,
) -> ApiResult<Json<Workspace>> {
    let id = id_param(&workspace)?;
    let mut unit = caller.store.begin().await?;
    let updated = unit
        .workspaces()
        .workspace_dormant_update(id, body.dormant)
        .await?;
    unit.commit().await?;
    Ok(Json(wire::workspace(updated)))
}
