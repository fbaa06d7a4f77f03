//! A chat as it goes on.

use axum::{extract::State, response::Response};
use bursar_sdk::{ChatStreamEnd, ChatStreamEvent, ChatStreamQuery};
use chat::ChatStream;
use futures_util::{StreamExt, stream::unfold};
use model::chats::MessageId;

use super::{
    events,
    transport::{Pieces, Transport},
};
use crate::{
    ApiState,
    error::{ApiError, ApiResult},
    extract::{PathParams, QueryParams, Session, id_param},
};

/// Follow a chat: what was said, then everything as it happens. By a WebSocket, or by server-sent events for whoever
/// accepts `text/event-stream`.
///
/// A frame, or the `data` of an event, is a JSON list of events, 256 and about 1 MiB at most. A stream that the caller may not follow any
/// more is closed with the code 4403, or 4401 when nobody is signed in any more; server-sent events end with an event
/// `error` that has the same code. A page of another site cannot open a WebSocket with a visitor's cookie.
#[utoipa::path(
    get,
    path = "/chats/{chat}/stream",
    tag = "chats",
    params(
        ("chat" = uuid::Uuid, Path, description = "The chat's id."),
        ChatStreamQuery,
    ),
    responses(
        (status = 101, description = "A WebSocket whose frames are lists of events."),
        (
            status = 200, description = "Server-sent events, the `data` of each a list of events, the last one an end.",
            content((Vec<ChatStreamEvent> = "text/event-stream"), (ChatStreamEnd = "text/event-stream; event=error")),
        ),
        (status = 429, description = "The caller has too many of these open.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_stream(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
    query: ApiResult<QueryParams<ChatStreamQuery>>,
    transport: Transport,
) -> ApiResult<Response> {
    let id = id_param(&chat)?;
    let asked = query.and_then(|QueryParams(query)| after(query.after_id.as_deref()));
    let asked = asked.and_then(|after| Ok((after, transport.asked()?)));
    let (after, transport) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            // Who may not read the chat hears that first.
            caller.store.read().await?.chats().chat_get(id).await?;
            return Err(error);
        }
    };
    let stream = state.chats.stream(caller, id, after).await?;
    Ok(transport.answer(pieces(stream)))
}

fn after(text: Option<&str>) -> ApiResult<Option<MessageId>> {
    let Some(text) = text else { return Ok(None) };
    let id = text.parse().ok().filter(|id: &MessageId| id.0 >= 0);
    let invalid = || ApiError::Request("Invalid after_id parameter.".to_owned());
    id.map(Some).ok_or_else(invalid)
}

fn pieces(stream: ChatStream) -> Pieces {
    let pieces = unfold(Some(stream), |stream| async move {
        let mut stream = stream?;
        match stream.next().await {
            Ok(frame) => Some((Ok(events::frame(&frame)), Some(stream))),
            Err(why) => Some((Err(why), None)),
        }
    });
    pieces.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_begins_after_a_message() {
        let check = |text: Option<&str>, expected: Option<Option<i64>>| {
            let read = after(text).ok().map(|id| id.map(|id| id.0));
            assert_eq!(read, expected, "{text:?}");
        };
        check(None, Some(None));
        check(Some("0"), Some(Some(0)));
        check(Some("17"), Some(Some(17)));
        check(Some("-1"), None);
        check(Some("x"), None);
    }
}
