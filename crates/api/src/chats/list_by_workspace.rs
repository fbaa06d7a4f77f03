//! The newest chat of each of some workspaces.

use axum::Json;
use bursar_sdk::{ChatListByWorkspaceQuery, ChatsByWorkspace};
use model::WorkspaceId;

use crate::{
    error::{ApiError, ApiResult},
    extract::{QueryParams, Session},
};

/// How many workspaces may be named.
const WORKSPACES_MAX: usize = 25;

/// Get the newest chat of each of these workspaces that the caller may read.
#[utoipa::path(
    get,
    path = "/chats/by-workspace",
    tag = "chats",
    params(ChatListByWorkspaceQuery),
    responses((status = 200, description = "The chats' ids by those of the workspaces.", body = ChatsByWorkspace)),
)]
pub(crate) async fn chat_list_by_workspace(
    Session(caller): Session,
    QueryParams(query): QueryParams<ChatListByWorkspaceQuery>,
) -> ApiResult<Json<ChatsByWorkspace>> {
    let workspaces = workspaces(query.workspace_ids.as_deref().unwrap_or_default())?;
    if workspaces.is_empty() {
        return Ok(Json(ChatsByWorkspace::default()));
    }
    let mut unit = caller.store.read().await?;
    let found = unit.chats().chat_list_by_workspace(&workspaces).await?;
    let pairs = found
        .into_iter()
        .map(|(workspace, chat)| (workspace.0, chat.0));
    Ok(Json(ChatsByWorkspace(pairs.collect())))
}

fn workspaces(text: &str) -> ApiResult<Vec<WorkspaceId>> {
    let words = text.split(',').map(str::trim);
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    if words.len() > WORKSPACES_MAX {
        return Err(ApiError::Request(format!(
            "Too many workspace IDs, maximum is {WORKSPACES_MAX}."
        )));
    }
    let read = |word: &str| {
        word.parse()
            .map_err(|error| ApiError::Request(format!("Invalid workspace ID {word:?}: {error}.")))
    };
    words.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_workspaces_are_named() {
        let check = |text: &str, expected: Option<usize>| {
            assert_eq!(
                workspaces(text).ok().map(|ids| ids.len()),
                expected,
                "{text}"
            );
        };
        let id = "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d";
        check("", Some(0));
        check(" , ", Some(0));
        check(id, Some(1));
        check(&format!("{id}, {id}"), Some(2));
        check(&[id; 25].join(","), Some(25));
        check(&[id; 26].join(","), None);
        check("x", None);
    }
}
