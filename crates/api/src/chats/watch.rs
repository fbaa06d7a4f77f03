//! What happens to the caller's chats, and to those that are shared with the caller.

use axum::{extract::State, response::Response};
use bursar_sdk::{ChatStreamEnd, ChatWatchEvent};
use chat::ChatWatch;
use futures_util::{StreamExt, stream::unfold};

use super::{
    events,
    transport::{Pieces, Transport},
};
use crate::{ApiState, error::ApiResult, extract::Session};

/// Be told what happens to the caller's own chats and to those that are shared with the caller: that they begin, change and
/// end, and that they are shared or not any more. By a WebSocket, or by server-sent events for whoever accepts
/// `text/event-stream`.
///
/// A frame, or the `data` of an event, is one event. What happened before is not told: get the list once the stream is
/// open.
#[utoipa::path(
    get,
    path = "/chats/watch",
    tag = "chats",
    responses(
        (status = 101, description = "A WebSocket whose frames are events."),
        (
            status = 200, description = "Server-sent events, the last one an end.",
            content((ChatWatchEvent = "text/event-stream"), (ChatStreamEnd = "text/event-stream; event=error")),
        ),
        (status = 429, description = "The caller has too many of these open.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_watch(
    State(state): State<ApiState>,
    Session(caller): Session,
    transport: Transport,
) -> ApiResult<Response> {
    let transport = transport.asked()?;
    let watch = state.chats.watch(caller).await?;
    Ok(transport.answer(pieces(watch)))
}

fn pieces(watch: ChatWatch) -> Pieces {
    let pieces = unfold(Some(watch), |watch| async move {
        let mut watch = watch?;
        match watch.next().await {
            Ok(event) => Some((Ok(events::watched(event)), Some(watch))),
            Err(why) => Some((Err(why), None)),
        }
    });
    pieces.boxed()
}
