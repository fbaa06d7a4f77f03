//! The end of an account.

use axum::Json;
use bursar_sdk::Message;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Delete an account, its sessions, tokens and memberships. Its spend stays in the ledger.
#[utoipa::path(
    delete,
    path = "/users/{user}",
    tag = "users",
    params(("user" = String, Path, description = "An id or a username.")),
    responses((status = 200, description = "It was deleted.", body = Message)),
)]
pub(crate) async fn user_delete(
    Session(caller): Session,
    PathParams(user): PathParams<String>,
) -> ApiResult<Json<Message>> {
    let mut unit = caller.store.begin().await?;
    let user = unit.users().user_find(&user).await?;
    unit.users().user_delete(user.id).await?;
    unit.commit().await?;
    Ok(Json(Message {
        message: "User has been deleted!".to_owned(),
    }))
}
