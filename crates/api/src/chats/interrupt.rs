//! The end of an answer before its time.

use axum::Json;
use bursar_sdk::Chat;

use super::wire;
use crate::{
    error::{ApiError, ApiResult, ChatCall},
    extract::{PathParams, Session, id_param},
};

/// Stop the answer that a chat is at. What was said so far is kept, and what waits is said next.
#[utoipa::path(
    post,
    path = "/chats/{chat}/interrupt",
    tag = "chats",
    params(("chat" = uuid::Uuid, Path, description = "The chat's id.")),
    responses(
        (status = 200, description = "The chat.", body = Chat),
        (status = 409, description = "There is no answer to be stopped.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_interrupt(
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
) -> ApiResult<Json<Chat>> {
    let id = id_param(&chat)?;
    let mut unit = caller.store.begin().await?;
    let stopped = unit.chat_messages().chat_interrupt(id).await;
    let stopped = stopped.map_err(ApiError::of_chat(ChatCall::Interrupt))?;
    unit.commit().await?;
    Ok(Json(wire::chat(stopped)))
}
