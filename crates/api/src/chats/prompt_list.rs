//! What the owner of a chat has said in it.

use axum::Json;
use bursar_sdk::{ChatPrompt, ChatPromptListQuery, ChatPromptsResponse};
use model::chats::MessageId;

use crate::{
    error::{ApiError, ApiResult},
    extract::{PathParams, QueryParams, Session, id_param},
    validate::wrong,
};

/// How many prompts are told when nobody says.
const LIMIT: u32 = 500;
/// How many are told at most.
const LIMIT_MAX: u32 = 2_000;

/// List the words of what the owner has said in a chat, newest first. A page ends at the limit and at about a MiB; what is
/// older follows with `before_id`.
#[utoipa::path(
    get,
    path = "/chats/{chat}/prompts",
    tag = "chats",
    params(
        ("chat" = uuid::Uuid, Path, description = "The chat's id."),
        ChatPromptListQuery,
    ),
    responses((status = 200, description = "The words.", body = ChatPromptsResponse)),
)]
pub(crate) async fn chat_prompt_list(
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
    query: ApiResult<QueryParams<ChatPromptListQuery>>,
) -> ApiResult<Json<ChatPromptsResponse>> {
    let id = id_param(&chat)?;
    let mut unit = caller.store.read().await?;
    let (before, limit) = match query.and_then(|QueryParams(query)| window(&query)) {
        Ok(window) => window,
        Err(error) => {
            // Who may not read the chat hears that first.
            unit.chats().chat_get(id).await?;
            return Err(error);
        }
    };
    let mut rooms = unit.chat_messages();
    let page = rooms.chat_prompt_list(id, before, limit).await?;
    let prompts = page.prompts.into_iter().map(|prompt| ChatPrompt {
        id: prompt.id.0,
        text: prompt.text,
    });
    Ok(Json(ChatPromptsResponse {
        prompts: prompts.collect(),
        has_more: page.has_more,
    }))
}

fn window(query: &ChatPromptListQuery) -> ApiResult<(Option<MessageId>, u32)> {
    if query.before_id.is_some_and(|id| id < 0) {
        return wrong("before_id", "must not be negative").map_err(ApiError::Query);
    }
    // No message has the number 0: before it is nothing said, and it is the same as no place at all.
    let before = query.before_id.filter(|id| *id > 0).map(MessageId);
    match query.limit.map_or(Ok(0), u32::try_from) {
        Ok(0) => Ok((before, LIMIT)),
        Ok(limit) if limit <= LIMIT_MAX => Ok((before, limit)),
        Ok(_) | Err(_) => Err(ApiError::Request(format!(
            "Invalid limit parameter (0-{LIMIT_MAX})."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_nothing_is_the_usual_one() {
        let check = |before_id, limit, expected: Option<(Option<i64>, u32)>| {
            let query = ChatPromptListQuery { before_id, limit };
            let read = window(&query).ok();
            let read = read.map(|(before, limit)| (before.map(|id| id.0), limit));
            assert_eq!(read, expected, "{query:?}");
        };
        check(None, None, Some((None, 500)));
        check(Some(0), Some(0), Some((None, 500)));
        check(Some(7), Some(1), Some((Some(7), 1)));
        check(None, Some(2000), Some((None, 2000)));
        check(None, Some(2001), None);
        check(None, Some(-1), None);
        check(Some(-1), None, None);
    }
}
