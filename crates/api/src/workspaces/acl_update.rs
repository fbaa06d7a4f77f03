//! A change of with whom a workspace is shared.

use axum::{extract::Request, http::StatusCode};
use bursar_sdk::UpdateAclRequest;

use crate::{
    acl,
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Change with whom a workspace is shared: the people and groups that are named get the role `use` or `admin`, or with
/// an empty role lose theirs; everybody else keeps what they have.
///
/// All that is wrong with a request is told together, once the caller is known to be allowed to share.
#[utoipa::path(
    patch,
    path = "/workspaces/{workspace}/acl",
    tag = "workspaces",
    params(("workspace" = uuid::Uuid, Path, description = "The workspace's id.")),
    request_body = UpdateAclRequest,
    responses(
        (status = 204, description = "It was changed."),
        (
            status = 403,
            description = "Sharing is switched off, or the caller may use the workspace but not share it.",
            body = bursar_sdk::ErrorBody,
        ),
    ),
)]
pub(crate) async fn workspace_acl_update(
    Session(caller): Session,
    PathParams(workspace): PathParams<String>,
    request: Request,
) -> ApiResult<StatusCode> {
    let id = id_param(&workspace)?;
    // Without holding anything: a body may take its time.
    let mut unit = caller.store.read().await?;
    unit.workspaces().workspace_share_check(id).await?;
    drop(unit);
    let change = acl::change(request).await?;
    let mut unit = caller.store.begin().await?;
    unit.workspaces().workspace_acl_update(id, &change).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
