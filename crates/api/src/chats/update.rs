//! A change of a chat.

use axum::{
    extract::{FromRequest, Request},
    http::StatusCode,
};
use bursar_sdk::UpdateChatRequest;
use model::chats::ChatUpdate;

use super::fields;
use crate::{
    error::{ApiError, ApiResult, ChatCall},
    extract::{JsonBody, PathParams, Session, id_param},
};

/// Change a chat: its title, labels, workspace, place on top, and whether it is archived; what is absent stays as it is.
/// Everything is changed, or nothing.
#[utoipa::path(
    patch,
    path = "/chats/{chat}",
    tag = "chats",
    params(("chat" = uuid::Uuid, Path, description = "The chat's id.")),
    request_body = UpdateChatRequest,
    responses(
        (status = 204, description = "It was changed."),
        (
            status = 403,
            description = "The place on top and the workspace are the owner's to change; or the caller may see the \
                workspace, but not work in it.",
            body = bursar_sdk::ErrorBody,
        ),
        (status = 409, description = "A turn runs in the family that is to be archived.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_update(
    Session(caller): Session,
    PathParams(chat): PathParams<String>,
    request: Request,
) -> ApiResult<StatusCode> {
    let id = id_param(&chat)?;
    let mut unit = caller.store.read().await?;
    unit.chats().chat_update_check(id).await?;
    drop(unit);
    let JsonBody(body) = JsonBody::from_request(request, &()).await?;
    let update = read(body)?;
    let call = match update.archived {
        Some(false) => ChatCall::Unarchive,
        Some(true) | None => ChatCall::Update,
    };
    let mut unit = caller.store.begin().await?;
    let changed = unit.chats().chat_update(id, &update).await;
    changed.map_err(ApiError::of_chat(call))?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn read(body: UpdateChatRequest) -> ApiResult<ChatUpdate> {
    Ok(ChatUpdate {
        title: body.title.as_deref().map(fields::title).transpose()?,
        labels: body.labels.map(fields::labels).transpose()?,
        archived: body.archived,
        pin_order: body.pin_order.map(fields::pin_order).transpose()?,
        workspace_id: body
            .workspace_id
            .map(|id| (!id.is_nil()).then(|| id.into())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_stays_and_what_is_wrong_is_told() {
        let check = |body: &str, expected: Result<ChatUpdate, &str>| {
            let read = read(serde_json::from_str(body).unwrap());
            let read = read.map_err(|error| error.to_string());
            assert_eq!(read, expected.map_err(str::to_owned), "{body}");
        };
        let none = ChatUpdate::default;
        check("{}", Ok(none()));
        check(r#"{"title": null, "plan_mode": "plan"}"#, Ok(none()));
        let title = ChatUpdate {
            title: Some("Plans".to_owned()),
            archived: Some(true),
            ..none()
        };
        check(r#"{"title": " Plans ", "archived": true}"#, Ok(title));
        check(
            r#"{"title": "", "pin_order": -1}"#,
            Err("Title cannot be empty."),
        );
        check(
            r#"{"pin_order": -1}"#,
            Err("Pin order must be non-negative."),
        );
        let unbound = ChatUpdate {
            workspace_id: Some(None),
            labels: Some([("a".to_owned(), "b".to_owned())].into()),
            ..none()
        };
        let body =
            r#"{"workspace_id": "00000000-0000-0000-0000-000000000000", "labels": {"a": "b"}}"#;
        check(body, Ok(unbound));
    }
}
