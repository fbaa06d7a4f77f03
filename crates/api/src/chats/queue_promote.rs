//! Something that waited and is said now.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::PromoteChatQueuedMessageResponse;
use dbauthz::OwnerOnly;

use super::fields;
use crate::{
    ApiState,
    error::{ApiError, ApiResult, ChatCall},
    extract::{PathParams, Session, id_param},
};

/// Say now what waits in one's own chat: the present answer, if there is one, stops for it.
#[utoipa::path(
    post,
    path = "/chats/{chat}/queue/{queued}/promote",
    tag = "chats",
    params(
        ("chat" = uuid::Uuid, Path, description = "The chat's id."),
        ("queued" = i64, Path, description = "The id of what waits."),
    ),
    responses(
        (status = 202, description = "It is next.", body = PromoteChatQueuedMessageResponse),
        (status = 403, description = "The chat is somebody else's.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_queue_promote(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams((chat, queued)): PathParams<(String, String)>,
) -> ApiResult<(StatusCode, Json<PromoteChatQueuedMessageResponse>)> {
    let id = id_param(&chat)?;
    let queued = match fields::queued(&queued) {
        Ok(queued) => queued,
        Err(error) => {
            // Who may not do it at all hears that first.
            let mut unit = caller.store.read().await?;
            let checked = unit.chats().chat_send_check(id, OwnerOnly::Promote).await;
            checked.map_err(ApiError::of_chat(ChatCall::Promote))?;
            return Err(error);
        }
    };
    let lease = state.chats.lease().await?;
    let mut unit = caller.store.begin().await?;
    let mut rooms = unit.chat_messages();
    let said = rooms.chat_queue_promote(id, queued, lease.id()).await;
    let said = said.map_err(ApiError::of_chat(ChatCall::Promote))?;
    match said.turn {
        Some(_) => state.chats.commit(unit, id, lease).await?,
        None => unit.commit().await?,
    }
    let message = "Queued message promotion accepted.".to_owned();
    Ok((
        StatusCode::ACCEPTED,
        Json(PromoteChatQueuedMessageResponse { message }),
    ))
}
