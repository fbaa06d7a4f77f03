//! With whom a chat's family is shared.

use axum::Json;
use bursar_sdk::ChatAcl;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Get with whom a chat is shared: for everybody who may read it. Of groups their size is told, never who is in them.
#[utoipa::path(
    get,
    path = "/chats/{chat}/acl",
    tag = "chats",
    params(("chat" = uuid::Uuid, Path, description = "The id of a root.")),
    responses(
        (status = 200, description = "The entries.", body = ChatAcl),
        (status = 403, description = "Sharing is switched off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_acl_get(
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
) -> ApiResult<Json<ChatAcl>> {
    let id = id_param(&chat)?;
    let mut unit = caller.store.read().await?;
    let listing = unit.chats().chat_acl_get(id).await?;
    Ok(Json(wire::acl(listing)))
}
