//! The end of a group.

use axum::Json;
use bursar_sdk::Message;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Delete a group, its memberships and its budget.
#[utoipa::path(
    delete,
    path = "/groups/{group}",
    tag = "groups",
    params(("group" = uuid::Uuid, Path, description = "The group's id.")),
    responses((status = 200, description = "It was deleted.", body = Message)),
)]
pub(crate) async fn group_delete(
    Session(caller): Session,
    PathParams(group): PathParams<String>,
) -> ApiResult<Json<Message>> {
    let id = id_param(&group)?;
    let mut unit = caller.store.begin().await?;
    unit.groups().group_delete(id).await?;
    unit.commit().await?;
    Ok(Json(Message {
        message: "Successfully deleted group!".to_owned(),
    }))
}
