//! What a viewer keeps about a chat.

use axum::http::StatusCode;
use bursar_sdk::UpdateChatViewerRequest;
use model::chats::{MessageId, ViewerUpdate};

use super::fields;
use crate::{
    error::{ApiError, ApiResult, ChatCall},
    extract::{JsonBody, PathParams, Session, id_param},
};

/// Change what the caller keeps about a chat that they may read: how far they have read it, and of chats that others
/// share, whether it is on top of their list or out of sight. Nobody else sees it.
#[utoipa::path(
    patch,
    path = "/chats/{chat}/viewer",
    tag = "chats",
    params(("chat" = uuid::Uuid, Path, description = "The chat's id.")),
    request_body = UpdateChatViewerRequest,
    responses((status = 204, description = "It was changed.")),
)]
pub(crate) async fn chat_viewer_update(
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
    JsonBody(body): JsonBody<UpdateChatViewerRequest>,
) -> ApiResult<StatusCode> {
    let id = id_param(&chat)?;
    let update = ViewerUpdate {
        last_read: body.last_read_message_id.map(MessageId),
        pin_order: body.pin_order.map(fields::pin_order).transpose()?,
        hidden: body.hidden,
    };
    let mut unit = caller.store.begin().await?;
    let changed = unit.chats().chat_viewer_update(id, &update).await;
    changed.map_err(ApiError::of_chat(ChatCall::Update))?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
