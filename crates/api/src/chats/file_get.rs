//! A file's bytes.

use axum::response::Response;

use super::files::{self, Keep};
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Get a file: one of the caller's own, or of a chat that the caller may read.
#[utoipa::path(
    get,
    path = "/chats/files/{file}",
    tag = "chats",
    params(("file" = uuid::Uuid, Path, description = "The file's id.")),
    responses((
        status = 200, description = "The file, by its type. Only its owner may keep it.",
        content((String = "application/octet-stream")),
    )),
)]
pub(crate) async fn chat_file_get(
    Session(caller): Session,
    PathParams(file): PathParams<String>,
) -> ApiResult<Response> {
    let id = files::id(&file)?;
    let mut unit = caller.store.read().await?;
    let found = unit.chat_files().chat_file_bytes_get(id).await?;
    let keep = if found.file.owner_id == caller.store.user_id() {
        Keep::Always
    } else {
        Keep::Never
    };
    files::answer(found, keep)
}
