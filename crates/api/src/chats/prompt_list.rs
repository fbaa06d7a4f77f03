//! What the owner of a chat has said in it.

use axum::Json;
use bursar_sdk::{ChatPrompt, ChatPromptListQuery, ChatPromptsResponse};
use dbauthz::ReadUnit;
use model::{
    ChatId,
    chats::{ChatMessage, MessageRole, MessageWindow, text_of},
};
use store::StoreResult;

use crate::{
    error::{ApiError, ApiResult},
    extract::{PathParams, QueryParams, Session, id_param},
};

/// How many prompts are told when nobody says.
const LIMIT: usize = 500;
/// How many are told at most.
const LIMIT_MAX: usize = 2_000;
/// How many messages are read at a time.
const READ_AT_ONCE: u32 = 500;

/// List the words of what the owner has said in a chat, newest first.
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
    let limit = match query.and_then(|QueryParams(query)| limit(query.limit)) {
        Ok(limit) => limit,
        Err(error) => {
            // Who may not read the chat hears that first.
            unit.chats().chat_get(id).await?;
            return Err(error);
        }
    };
    let prompts = prompts(&mut unit, id, limit).await?;
    Ok(Json(ChatPromptsResponse { prompts }))
}

fn limit(limit: Option<i64>) -> ApiResult<usize> {
    match limit.map_or(Ok(0), usize::try_from) {
        Ok(0) => Ok(LIMIT),
        Ok(limit) if limit <= LIMIT_MAX => Ok(limit),
        Ok(_) | Err(_) => Err(ApiError::Request(format!(
            "Invalid limit parameter (0-{LIMIT_MAX})."
        ))),
    }
}

async fn prompts(unit: &mut ReadUnit, chat: ChatId, limit: usize) -> StoreResult<Vec<ChatPrompt>> {
    let mut prompts = Vec::new();
    let mut window = MessageWindow {
        limit: READ_AT_ONCE,
        ..MessageWindow::default()
    };
    loop {
        let page = unit
            .chat_messages()
            .chat_message_list(chat, &window)
            .await?;
        window.before = page.messages.last().map(|message| message.id);
        prompts.extend(page.messages.iter().filter_map(prompt));
        if prompts.len() >= limit || !page.has_more || window.before.is_none() {
            prompts.truncate(limit);
            return Ok(prompts);
        }
    }
}

fn prompt(message: &ChatMessage) -> Option<ChatPrompt> {
    let text = text_of(&message.content);
    let said = message.role == MessageRole::User && !text.is_empty();
    said.then_some(ChatPrompt {
        id: message.id.0,
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_nothing_is_the_usual_one() {
        let check = |given, expected: Option<usize>| {
            assert_eq!(limit(given).ok(), expected, "{given:?}");
        };
        check(None, Some(500));
        check(Some(0), Some(500));
        check(Some(1), Some(1));
        check(Some(2000), Some(2000));
        check(Some(2001), None);
        check(Some(-1), None);
    }
}
