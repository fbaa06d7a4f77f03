//! A new workspace.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{CreateWorkspaceRequest, Workspace};
use dbauthz::WriteUnit;
use model::{UserId, workspaces::NewWorkspace};
use store::StoreError;

use super::wire;
use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
    validate::{Checked, both, parse, text, wrong},
};

/// Make a workspace in an organization.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/workspaces",
    tag = "workspaces",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = CreateWorkspaceRequest,
    responses(
        (status = 201, description = "The workspace.", body = Workspace),
        (status = 409, description = "The owner has a workspace of this name.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn workspace_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<CreateWorkspaceRequest>,
) -> ApiResult<(StatusCode, Json<Workspace>)> {
    let named = both(
        parse("name", &body.name),
        text("description", &body.description),
    );
    let (name, description) = named?;
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let owner_id = match &body.owner {
        Some(text) => owner(&mut unit, text, caller.store.user_id()).await?,
        None => caller.store.user_id(),
    };
    let new = NewWorkspace {
        id: state.auth.ids.next().into(),
        organization_id: found.id,
        owner_id,
        name,
        description,
    };
    let workspace = unit.workspaces().workspace_create(&new).await?;
    unit.commit().await?;
    Ok((StatusCode::CREATED, Json(wire::workspace(workspace))))
}

/// Whose the workspace shall be.
async fn owner(unit: &mut WriteUnit, text: &str, me: UserId) -> ApiResult<UserId> {
    if text.eq_ignore_ascii_case("me") {
        return Ok(me);
    }
    match unit.users().user_find(text).await {
        Ok(user) => Ok(user.id),
        Err(StoreError::NotFound | StoreError::Denied { .. }) => {
            let unknown: Checked<UserId> = wrong("owner", "is unknown");
            Ok(unknown?)
        }
        Err(error) => Err(error.into()),
    }
}
