//! Something that the owner of a chat says.

use axum::{
    Json,
    extract::{FromRequest, Request, State},
};
use bursar_sdk::{CreateChatMessageRequest, CreateChatMessageResponse};
use dbauthz::{OwnerOnly, Said, Saying};

use super::{fields, wire};
use crate::{
    ApiState,
    error::{ApiError, ApiResult, ChatCall},
    extract::{JsonBody, PathParams, Session, id_param},
};

/// Say something in one's own chat. It is answered at once, or waits until the present answer has ended: 50 can wait.
#[utoipa::path(
    post,
    path = "/chats/{chat}/messages",
    tag = "chats",
    params(("chat" = uuid::Uuid, Path, description = "The chat's id.")),
    request_body = CreateChatMessageRequest,
    responses(
        (status = 200, description = "What became of it.", body = CreateChatMessageResponse),
        (status = 403, description = "The chat is somebody else's.", body = bursar_sdk::ErrorBody),
        (status = 409, description = "The chat is full, or not in a state for it.", body = bursar_sdk::ErrorBody),
        (status = 413, description = "The body is larger than 256 KiB.", body = bursar_sdk::ErrorBody),
        (status = 429, description = "No more can wait.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_message_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
    request: Request,
) -> ApiResult<Json<CreateChatMessageResponse>> {
    let id = id_param(&chat)?;
    let mut unit = caller.store.read().await?;
    let checked = unit.chats().chat_send_check(id, OwnerOnly::Send).await;
    checked.map_err(ApiError::of_chat(ChatCall::Send))?;
    drop(unit);
    let JsonBody(body) = JsonBody::<CreateChatMessageRequest>::from_request(request, &()).await?;
    let content = fields::content(body.content)?;
    let busy = fields::busy_behavior(body.busy_behavior.as_deref())?;
    let model = fields::model(body.model)?;
    let saying = Saying { content, model };
    let lease = state.chats.lease().await?;
    let mut unit = caller.store.begin().await?;
    let mut rooms = unit.chat_messages();
    let said = rooms.chat_message_create(id, &saying, busy, lease.id());
    let said = said.await.map_err(ApiError::of_chat(ChatCall::Send))?;
    match said.turn {
        Some(_) => state.chats.commit(unit, id, lease).await?,
        None => unit.commit().await?,
    }
    Ok(Json(answer(said)))
}

fn answer(said: Said) -> CreateChatMessageResponse {
    let queued = said.queued.map(wire::queued);
    let now = said.message.map(wire::message);
    CreateChatMessageResponse {
        messages: now.iter().cloned().collect(),
        // Where others waited before it, what is said now is not what was sent.
        message: now.filter(|_| queued.is_none()),
        queued: queued.is_some(),
        queued_message: queued,
    }
}
