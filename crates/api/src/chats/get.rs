//! One chat.

use axum::Json;
use bursar_sdk::Chat;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Get a chat with its files, and a root with its sub-chats.
#[utoipa::path(
    get,
    path = "/chats/{chat}",
    tag = "chats",
    params(("chat" = uuid::Uuid, Path, description = "The chat's id.")),
    responses((status = 200, description = "The chat.", body = Chat)),
)]
pub(crate) async fn chat_get(
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
) -> ApiResult<Json<Chat>> {
    let id = id_param(&chat)?;
    let mut unit = caller.store.read().await?;
    let found = unit.chats().chat_get(id).await?;
    let children = if found.root() {
        unit.chats().chat_child_list(id).await?
    } else {
        Vec::new()
    };
    let files = unit.chat_files().chat_file_list(id).await?;
    Ok(Json(Chat {
        files: files.into_iter().map(wire::file).collect(),
        children: children.into_iter().map(wire::chat).collect(),
        ..wire::chat(found)
    }))
}
