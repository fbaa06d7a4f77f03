//! A new chat.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{Chat, CreateChatRequest};
use model::{
    ChatId, LeaseId, OrganizationId, UserId,
    chats::{ContentPart, MessageRole, NewChat, NewMessage, Visibility, made_title},
};

use super::{fields, wire};
use crate::{
    ApiState,
    error::{ApiError, ApiResult, ChatCall},
    extract::{JsonBody, Session},
};

/// Make a chat in an organization, or a sub-chat of one of the caller's own. What the caller says in it is answered at
/// once, on the caller's budget; a turn that cannot be run ends in an error that the chat shows.
#[utoipa::path(
    post,
    path = "/chats",
    tag = "chats",
    request_body = CreateChatRequest,
    responses(
        (status = 201, description = "The chat, whose turn has begun.", body = Chat),
        (
            status = 403,
            description = "The caller is no member of the organization, or may make no chats there; or the caller may see \
                the workspace, but not work in it.",
            body = bursar_sdk::ErrorBody,
        ),
        (status = 413, description = "The body is larger than 256 KiB.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    JsonBody(body): JsonBody<CreateChatRequest>,
) -> ApiResult<(StatusCode, Json<Chat>)> {
    let organization = organization(&body)?;
    let mut unit = caller.store.read().await?;
    let checked = unit.chats().chat_create_check(organization).await;
    checked.map_err(ApiError::of_chat(ChatCall::Create))?;
    drop(unit);
    let chat = read(body)?;
    let lease = state.chats.lease().await?;
    let new = chat(Place {
        id: state.auth.ids.next().into(),
        organization,
        owner: caller.store.user_id(),
        lease: lease.id(),
    });
    let mut unit = caller.store.begin().await?;
    let made = unit.chats().chat_create(&new).await;
    let made = made.map_err(ApiError::of_chat(ChatCall::Create))?;
    state.chats.commit(unit, made.id, lease).await?;
    Ok((StatusCode::CREATED, Json(wire::chat(made))))
}

fn organization(body: &CreateChatRequest) -> ApiResult<OrganizationId> {
    let id = body.organization_id.filter(|id| !id.is_nil());
    let missing = || ApiError::Request("organization_id is required.".to_owned());
    id.map(Into::into).ok_or_else(missing)
}

/// The chat that is asked for, but for what only the server knows.
fn read(mut body: CreateChatRequest) -> ApiResult<impl FnOnce(Place) -> NewChat> {
    let content = fields::content(std::mem::take(&mut body.content))?;
    let given = body.title.as_deref().map(fields::title).transpose()?;
    let title_made = given.is_none();
    let title = given.unwrap_or_else(|| made_title(&content));
    let model = fields::model(body.model)?;
    let labels = fields::labels(body.labels)?;
    let client_type = fields::client_type(body.client_type.as_deref())?;
    let system = body.system_prompt.map(fields::system).transpose()?;
    Ok(move |place: Place| {
        let said = |role, visibility, content| NewMessage {
            role,
            visibility,
            content,
            created_by: Some(place.owner),
            model: None,
        };
        let system = system.map(|text| {
            let text = vec![ContentPart::Text { text }];
            said(MessageRole::System, Visibility::Model, text)
        });
        let first = said(MessageRole::User, Visibility::Both, content);
        NewChat {
            id: place.id,
            organization_id: place.organization,
            owner_id: place.owner,
            workspace_id: body.workspace_id.map(Into::into),
            parent_chat_id: body.parent_chat_id.map(Into::into),
            title,
            title_made,
            model,
            client_type,
            labels,
            messages: system.into_iter().chain([first]).collect(),
            lease_id: place.lease,
        }
    })
}

/// What only the server knows of a new chat.
#[derive(Debug, Clone, Copy)]
struct Place {
    id: ChatId,
    organization: OrganizationId,
    owner: UserId,
    lease: LeaseId,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const PLACE: Place = Place {
        id: ChatId(Uuid::from_u128(1)),
        organization: OrganizationId(Uuid::from_u128(2)),
        owner: UserId(Uuid::from_u128(3)),
        lease: LeaseId(Uuid::from_u128(4)),
    };

    fn body(text: &str) -> CreateChatRequest {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_chat_begins_with_what_the_model_is_told_and_what_is_said() {
        let text = r#"{"content": [{"type": "text", "text": "Plan the launch"}], "system_prompt": "Be brief.",
            "client_type": "ui", "model": "openai/gpt-5-mini", "labels": {"a": "b"}, "mcp_server_ids": []}"#;
        let new = read(body(text)).map(|chat| chat(PLACE)).unwrap();
        let roles = new.messages.iter().map(|one| (one.role, one.visibility));
        let roles: Vec<_> = roles.collect();
        let expected = [
            (MessageRole::System, Visibility::Model),
            (MessageRole::User, Visibility::Both),
        ];
        assert_eq!(roles, expected);
        assert_eq!(new.title, "Plan the launch");
        assert_eq!(new.owner_id, PLACE.owner);
        let plain =
            r#"{"content": [{"type": "text", "text": "x"}], "title": "T", "system_prompt": ""}"#;
        let new = read(body(plain)).map(|chat| chat(PLACE)).unwrap();
        assert_eq!((new.messages.len(), new.title.as_str()), (1, "T"));
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_that_clients_know() {
        let check = |text: &str, expected: &str| {
            let body = body(text);
            let found = match organization(&body) {
                Ok(_) => read(body).map(|chat| chat(PLACE)).unwrap_err(),
                Err(error) => error,
            };
            assert_eq!(found.to_string(), expected, "{text}");
        };
        check("{}", "organization_id is required.");
        check(r#"{"organization_id": ""}"#, "organization_id is required.");
        let nil = r#"{"organization_id": "00000000-0000-0000-0000-000000000000"}"#;
        check(nil, "organization_id is required.");
        let with = |rest: &str| {
            format!(r#"{{"organization_id": "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d", {rest}}}"#)
        };
        check(&with(r#""content": null"#), "Content is required.");
        let said = r#""content": [{"type": "text", "text": "x"}]"#;
        let wrong = format!(r#"{said}, "client_type": "tv""#);
        check(&with(&wrong), "Invalid client_type.");
        let long = "x".repeat(201);
        let wrong = format!(r#"{said}, "title": "{long}""#);
        check(&with(&wrong), "Title must be at most 200 characters.");
    }
}
