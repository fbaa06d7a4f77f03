//! One group.

use axum::Json;
use bursar_sdk::Group;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Get a group with the people in it that the caller may see.
#[utoipa::path(
    get,
    path = "/groups/{group}",
    tag = "groups",
    params(("group" = uuid::Uuid, Path, description = "The group's id.")),
    responses((status = 200, description = "The group.", body = Group)),
)]
pub(crate) async fn group_get(
    Session(caller): Session,
    PathParams(group): PathParams<String>,
) -> ApiResult<Json<Group>> {
    let id = id_param(&group)?;
    let mut unit = caller.store.read().await?;
    let group = unit.groups().group_get(id).await?;
    let members = unit.groups().group_member_list(&[id]).await?;
    Ok(Json(wire::group_with(group, members)))
}
