//! A change of a workspace's name and description.

use axum::Json;
use bursar_sdk::{UpdateWorkspaceRequest, Workspace};
use model::workspaces::WorkspaceUpdate;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session, id_param},
    validate::{both, optional, parse, text},
};

/// Change a workspace's name and description; what is absent stays as it is.
#[utoipa::path(
    patch,
    path = "/workspaces/{workspace}",
    tag = "workspaces",
    params(("workspace" = uuid::Uuid, Path, description = "The workspace's id.")),
    request_body = UpdateWorkspaceRequest,
    responses(
        (status = 200, description = "The workspace.", body = Workspace),
        (status = 409, description = "The owner has another workspace of this name.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn workspace_update(
    Session(caller): Session,
    PathParams(workspace): PathParams<String>,
    JsonBody(body): JsonBody<UpdateWorkspaceRequest>,
) -> ApiResult<Json<Workspace>> {
    let id = id_param(&workspace)?;
    let fields = both(
        optional(body.name.as_deref(), |name| parse("name", name)),
        optional(body.description.as_deref(), |words| {
            text("description", words)
        }),
    );
    let (name, description) = fields?;
    let update = WorkspaceUpdate { name, description };
    let mut unit = caller.store.begin().await?;
    let updated = unit.workspaces().workspace_update(id, &update).await?;
    unit.commit().await?;
    Ok(Json(wire::workspace(updated)))
}
