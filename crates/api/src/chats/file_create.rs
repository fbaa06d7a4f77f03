//! A file that somebody brings.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
};
use bursar_sdk::{ChatFileCreateQuery, UploadChatFileResponse};
use model::{OrganizationId, chats::NewChatFile};
use sha2::{Digest, Sha256};

use super::{
    disposition,
    sniff::{self, Unfit},
};
use crate::{
    ApiState,
    error::{ApiError, ApiResult, ChatCall},
    extract::{QueryParams, Session},
};

/// Keep a file for a message to attach: a picture, a text or a PDF, 10 MiB at most. It is what its bytes are, whatever its
/// type is said to be. What no message attaches within a day goes.
///
/// The header `Content-Disposition` has its name: `attachment; filename="plan.md"`.
#[utoipa::path(
    post,
    path = "/chats/files",
    tag = "chats",
    params(ChatFileCreateQuery),
    request_body(content = String, content_type = "application/octet-stream", description = "The file's bytes."),
    responses(
        (status = 201, description = "It was kept.", body = UploadChatFileResponse),
        (
            status = 403, description = "The caller is no member of the organization, or may make no chats there.",
            body = bursar_sdk::ErrorBody,
        ),
        (status = 409, description = "The caller's quota has no room for it.", body = bursar_sdk::ErrorBody),
        (status = 413, description = "It is larger than 10 MiB.", body = bursar_sdk::ErrorBody),
        (
            status = 429, description = "The caller has brought 60 in this minute: try again after `Retry-After`.",
            body = bursar_sdk::ErrorBody,
        ),
    ),
)]
pub(crate) async fn chat_file_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    QueryParams(query): QueryParams<ChatFileCreateQuery>,
    request: Request,
) -> ApiResult<(StatusCode, Json<UploadChatFileResponse>)> {
    let organization_id = organization(query.organization.as_deref())?;
    let mut unit = caller.store.read().await?;
    let mut rooms = unit.chat_files();
    let checked = rooms.chat_file_create_check(organization_id).await;
    checked.map_err(ApiError::of_chat(ChatCall::Upload))?;
    drop(unit);
    let owner_id = caller.store.user_id();
    state.uploads.count(owner_id, state.auth.clock.now())?;
    let brought = bring(request).await?;
    let new = NewChatFile {
        id: state.auth.ids.next().into(),
        owner_id,
        organization_id,
        name: brought.name,
        mime_type: brought.mime_type.to_owned(),
        sha256: Sha256::digest(&brought.data).into(),
        data: brought.data.into(),
    };
    let mut unit = caller.store.begin().await?;
    let quota = state.uploads.quota();
    let kept = unit.chat_files().chat_file_create(&new, quota).await;
    let id = kept.map_err(ApiError::of_chat(ChatCall::Upload))?.id.0;
    unit.commit().await?;
    Ok((StatusCode::CREATED, Json(UploadChatFileResponse { id })))
}

fn organization(text: Option<&str>) -> ApiResult<OrganizationId> {
    let wrong = |words: &str| ApiError::Request(words.to_owned());
    let text = text.ok_or_else(|| wrong("Missing organization query parameter."))?;
    text.parse()
        .map_err(|_error| wrong("Invalid organization ID."))
}

#[derive(Debug)]
struct Brought {
    name: String,
    mime_type: &'static str,
    data: Bytes,
}

/// Reads the file, of a sender who may bring one.
async fn bring(request: Request) -> ApiResult<Brought> {
    let wrong = |words: &str| ApiError::Request(words.to_owned());
    let headers = request.headers();
    let declared = sniff::declared(text(headers, &header::CONTENT_TYPE)).map_err(unfit)?;
    let name = text(headers, &header::CONTENT_DISPOSITION).and_then(disposition::file_name);
    let data = Bytes::from_request(request, &()).await;
    let data = data.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::FileTooLarge,
        _ => ApiError::BodyUnread,
    })?;
    let name = name.ok_or_else(|| wrong("Filename is required."))?;
    if data.is_empty() {
        return Err(wrong("Invalid file."));
    }
    let mime_type = sniff::sniff(&data, declared, &name).map_err(unfit)?;
    Ok(Brought {
        name,
        mime_type,
        data,
    })
}

/// A header that may hold what is no ASCII: clients write names as they are.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?;
    std::str::from_utf8(value.as_bytes()).ok()
}

fn unfit(unfit: Unfit) -> ApiError {
    match unfit {
        Unfit::Type => ApiError::Detailed {
            message: "Unsupported file type.",
            detail: "Files may be PNG, JPEG, GIF or WebP pictures, texts, Markdown, CSV, JSON or PDF.",
        },
        Unfit::Mismatch => {
            ApiError::Request("File content type does not match Content-Type header.".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[tokio::test]
    async fn a_file_has_a_name_and_is_what_it_says() {
        let check =
            async |kind: &str, disposition: &str, body: &str, expected: Result<&str, &str>| {
                let request = Request::builder()
                    .header(header::CONTENT_TYPE, kind)
                    .header(header::CONTENT_DISPOSITION, disposition)
                    .body(Body::from(body.to_owned()))
                    .unwrap();
                let brought = bring(request).await.map(|brought| brought.mime_type);
                let brought = brought.map_err(|error| error.to_string());
                assert_eq!(
                    brought,
                    expected.map_err(str::to_owned),
                    "{kind} {disposition}"
                );
            };
        let name = "attachment; filename=a.md";
        check("text/markdown", name, "# a", Ok("text/markdown")).await;
        check("application/octet-stream", name, "# a", Ok("text/markdown")).await;
        check("text/html", name, "# a", Err("Unsupported file type.")).await;
        check(
            "text/plain",
            "attachment",
            "a",
            Err("Filename is required."),
        )
        .await;
        check("text/plain", name, "", Err("Invalid file.")).await;
        let words = "File content type does not match Content-Type header.";
        check("image/png", name, "a", Err(words)).await;
    }

    #[test]
    fn a_file_is_of_an_organization() {
        let check = |text: Option<&str>, expected: &str| {
            assert_eq!(organization(text).unwrap_err().to_string(), expected);
        };
        check(None, "Missing organization query parameter.");
        check(Some("acme"), "Invalid organization ID.");
        assert!(organization(Some("0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d")).is_ok());
    }
}
