//! The end of a workspace.

use axum::http::StatusCode;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Delete a workspace. Whom it was shared with ends with it, and its name is free again.
#[utoipa::path(
    delete,
    path = "/workspaces/{workspace}",
    tag = "workspaces",
    params(("workspace" = uuid::Uuid, Path, description = "The workspace's id.")),
    responses((status = 204, description = "It was deleted.")),
)]
pub(crate) async fn workspace_delete(
    Session(caller): Session,
    PathParams(workspace): PathParams<String>,
) -> ApiResult<StatusCode> {
    let id = id_param(&workspace)?;
    let mut unit = caller.store.begin().await?;
    unit.workspaces().workspace_delete(id).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
