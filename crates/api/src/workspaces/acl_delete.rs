//! The end of all sharing of a workspace.

use axum::http::StatusCode;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Stop sharing a workspace with anybody. Who may share it only because it is shared with them cannot: it would end
/// their own entry.
#[utoipa::path(
    delete,
    path = "/workspaces/{workspace}/acl",
    tag = "workspaces",
    params(("workspace" = uuid::Uuid, Path, description = "The workspace's id.")),
    responses(
        (status = 204, description = "It is shared with nobody."),
        (
            status = 403,
            description = "Sharing is switched off, or the caller may use the workspace but not share it.",
            body = bursar_sdk::ErrorBody,
        ),
    ),
)]
pub(crate) async fn workspace_acl_delete(
    Session(caller): Session,
    PathParams(workspace): PathParams<String>,
) -> ApiResult<StatusCode> {
    let id = id_param(&workspace)?;
    let mut unit = caller.store.begin().await?;
    unit.workspaces().workspace_acl_delete(id).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
