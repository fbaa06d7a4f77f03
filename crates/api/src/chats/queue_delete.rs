//! Something that waited to be said and is taken back.

use axum::http::StatusCode;

use super::fields;
use crate::{
    error::{ApiError, ApiResult, ChatCall},
    extract::{PathParams, Session, id_param},
};

/// Take back what waits to be said in a chat.
#[utoipa::path(
    delete,
    path = "/chats/{chat}/queue/{queued}",
    tag = "chats",
    params(
        ("chat" = uuid::Uuid, Path, description = "The chat's id."),
        ("queued" = i64, Path, description = "The id of what waits."),
    ),
    responses((status = 204, description = "It was taken back.")),
)]
pub(crate) async fn chat_queue_delete(
    Session(caller): Session,
    PathParams((chat, queued)): PathParams<(String, String)>,
) -> ApiResult<StatusCode> {
    let id = id_param(&chat)?;
    let queued = match fields::queued(&queued) {
        Ok(queued) => queued,
        Err(error) => {
            // Who may not change the chat hears that first.
            let mut unit = caller.store.read().await?;
            unit.chats().chat_update_check(id).await?;
            return Err(error);
        }
    };
    let mut unit = caller.store.begin().await?;
    let taken = unit.chat_messages().chat_queue_delete(id, queued).await;
    taken.map_err(ApiError::of_chat(ChatCall::Unqueue))?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
