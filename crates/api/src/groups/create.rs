//! A new group.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{CreateGroupRequest, Group};
use model::{GroupId, OrganizationId, groups::NewGroup};

use super::wire;
use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
    validate::{Checked, both, display_name, parse, text},
};

/// Make a group of an organization.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/groups",
    tag = "groups",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = CreateGroupRequest,
    responses(
        (status = 201, description = "The group.", body = Group),
        (status = 409, description = "The name is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn group_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<CreateGroupRequest>,
) -> ApiResult<(StatusCode, Json<Group>)> {
    let new = new_group(&body)?;
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let new = new(GroupId(state.auth.ids.next()), found.id);
    let group = unit.groups().group_create(&new).await?;
    unit.commit().await?;
    Ok((
        StatusCode::CREATED,
        Json(wire::group_with(group, Vec::new())),
    ))
}

/// The group asked for, once its organization is known.
fn new_group(
    body: &CreateGroupRequest,
) -> Checked<impl FnOnce(GroupId, OrganizationId) -> NewGroup + use<>> {
    let shown = display_name("display_name", &body.display_name);
    let shown = both(shown, text("avatar_url", &body.avatar_url));
    let (name, (display_name, avatar_url)) = both(parse("name", &body.name), shown)?;
    Ok(|id, organization_id| NewGroup {
        id,
        organization_id,
        name,
        display_name,
        avatar_url,
    })
}
