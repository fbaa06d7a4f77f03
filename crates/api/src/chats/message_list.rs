//! What was said in a chat.

use axum::Json;
use bursar_sdk::{ChatMessageListQuery, ChatMessagesResponse};
use model::chats::{MessageId, MessageWindow};

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{PathParams, QueryParams, Session, id_param},
    validate::wrong,
};

/// How many messages a page holds when nobody says.
const LIMIT: u32 = 50;
/// How many a page holds at most.
const LIMIT_MAX: u32 = 200;

/// List what was said in a chat, newest first; with `after_id` alone oldest first. The owner sees with the newest messages
/// what waits to be said.
#[utoipa::path(
    get,
    path = "/chats/{chat}/messages",
    tag = "chats",
    params(
        ("chat" = uuid::Uuid, Path, description = "The chat's id."),
        ChatMessageListQuery,
    ),
    responses((status = 200, description = "Some of it.", body = ChatMessagesResponse)),
)]
pub(crate) async fn chat_message_list(
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
    query: ApiResult<QueryParams<ChatMessageListQuery>>,
) -> ApiResult<Json<ChatMessagesResponse>> {
    let id = id_param(&chat)?;
    let mut unit = caller.store.read().await?;
    let window = match query.and_then(|QueryParams(query)| window(&query)) {
        Ok(window) => window,
        Err(error) => {
            // Who may not read the chat hears that first.
            unit.chats().chat_get(id).await?;
            return Err(error);
        }
    };
    let page = unit.chat_messages().chat_message_list(id, &window).await?;
    let newest = window.before.is_none() && window.after.is_none();
    let queued = if newest {
        unit.chat_messages().chat_queue_list(id).await?
    } else {
        Vec::new()
    };
    Ok(Json(ChatMessagesResponse {
        messages: page.messages.into_iter().map(wire::message).collect(),
        queued_messages: queued.into_iter().map(wire::queued).collect(),
        has_more: page.has_more,
    }))
}

fn window(query: &ChatMessageListQuery) -> ApiResult<MessageWindow> {
    let fields = [("before_id", query.before_id), ("after_id", query.after_id)];
    for (field, id) in fields {
        if id.is_some_and(|id| id < 0) {
            let negative = wrong(field, "must not be negative");
            return negative.map_err(ApiError::Query);
        }
    }
    let limit = query.limit.unwrap_or(LIMIT.into());
    let limit = u32::try_from(limit).unwrap_or_default();
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::Request(format!(
            "Invalid limit parameter (1-{LIMIT_MAX})."
        )));
    }
    if let (Some(after), Some(before)) = (query.after_id, query.before_id)
        && after >= before
    {
        let words = "after_id must be less than before_id.";
        return Err(ApiError::Request(words.to_owned()));
    }
    // No message has the number 0: before it is nothing said, and it is the same as no place at all.
    let place = |id: Option<i64>| id.filter(|id| *id > 0).map(MessageId);
    Ok(MessageWindow {
        before: place(query.before_id),
        after: query.after_id.map(MessageId),
        limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_checked_in_the_words_that_clients_know() {
        let check = |before_id, after_id, limit, expected: Result<u32, &str>| {
            let query = ChatMessageListQuery {
                before_id,
                after_id,
                limit,
            };
            let read = window(&query).map(|window| window.limit);
            let read = read.map_err(|error| error.to_string());
            assert_eq!(read, expected.map_err(str::to_owned), "{query:?}");
        };
        check(None, None, None, Ok(50));
        check(Some(9), Some(3), Some(200), Ok(200));
        check(None, Some(0), Some(1), Ok(1));
        let limit = "Invalid limit parameter (1-200).";
        check(None, None, Some(0), Err(limit));
        check(None, None, Some(201), Err(limit));
        check(None, None, Some(-1), Err(limit));
        check(None, None, Some(i64::MAX), Err(limit));
        let order = "after_id must be less than before_id.";
        check(Some(3), Some(3), None, Err(order));
        check(Some(3), Some(9), None, Err(order));
        let query = "the query is not valid";
        check(Some(-1), None, None, Err(query));
        check(None, Some(-1), None, Err(query));
    }
}
