//! Something that the owner of a chat says instead.

use axum::{
    Json,
    extract::{FromRequest, Request, State},
};
use bursar_sdk::{EditChatMessageRequest, EditChatMessageResponse};
use dbauthz::{OwnerOnly, Saying};

use super::{fields, wire};
use crate::{
    ApiState,
    error::{ApiError, ApiResult, ChatCall},
    extract::{JsonBody, PathParams, Session, id_param},
};

/// Say something else in one's own chat instead of what was said. All that came after it is forgotten, also what waits, and
/// the new words are answered at once.
#[utoipa::path(
    patch,
    path = "/chats/{chat}/messages/{message}",
    tag = "chats",
    params(
        ("chat" = uuid::Uuid, Path, description = "The chat's id."),
        ("message" = i64, Path, description = "The message's id."),
    ),
    request_body = EditChatMessageRequest,
    responses(
        (status = 200, description = "What is said now.", body = EditChatMessageResponse),
        (status = 403, description = "The chat is somebody else's.", body = bursar_sdk::ErrorBody),
        (status = 409, description = "The chat is full, or not in a state for it.", body = bursar_sdk::ErrorBody),
        (status = 413, description = "The body is larger than 256 KiB.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_message_update(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams((chat, message)): PathParams<(String, String)>,
    request: Request,
) -> ApiResult<Json<EditChatMessageResponse>> {
    let id = id_param(&chat)?;
    let mut unit = caller.store.read().await?;
    let checked = unit.chats().chat_send_check(id, OwnerOnly::Edit).await;
    checked.map_err(ApiError::of_chat(ChatCall::Edit))?;
    drop(unit);
    let message = fields::message(&message)?;
    let JsonBody(body) = JsonBody::<EditChatMessageRequest>::from_request(request, &()).await?;
    let content = fields::content(body.content)?;
    let model = fields::model(body.model)?;
    let saying = Saying { content, model };
    let lease = state.chats.lease().await?;
    let mut unit = caller.store.begin().await?;
    let mut rooms = unit.chat_messages();
    let edited = rooms.chat_message_replace(id, message, &saying, lease.id());
    let edited = edited.await.map_err(ApiError::of_chat(ChatCall::Edit))?;
    state.chats.commit(unit, id, lease).await?;
    Ok(Json(EditChatMessageResponse {
        message: wire::message(edited.message),
        deleted_message_ids: edited.deleted.into_iter().map(|id| id.0).collect(),
    }))
}
