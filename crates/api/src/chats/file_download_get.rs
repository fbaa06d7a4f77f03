//! A file by its address.

use auth::AuthError;
use axum::{extract::State, response::Response};
use bursar_sdk::ChatFileDownloadGetQuery;
use store::StoreError;

use super::files::{self, Keep};
use crate::{
    ApiState,
    error::{ApiError, ApiResult},
    extract::{PathParams, QueryParams, RequestIdOf},
};

/// Get a file by an address that was made for it. Whoever the address was made for is asked about again.
#[utoipa::path(
    get,
    path = "/chats/files/{file}/download",
    tag = "chats",
    params(
        ("file" = uuid::Uuid, Path, description = "The file's id."),
        ChatFileDownloadGetQuery,
    ),
    responses(
        (status = 200, description = "The file, by its type.", content((String = "application/octet-stream"))),
        (
            status = 404,
            description = "There is no such address, it holds no more, or whoever it was made for may not read the file \
                any more.",
            body = bursar_sdk::ErrorBody,
        ),
    ),
)]
pub(crate) async fn chat_file_download_get(
    State(state): State<ApiState>,
    RequestIdOf(request_id): RequestIdOf,
    PathParams(file): PathParams<String>,
    QueryParams(query): QueryParams<ChatFileDownloadGetQuery>,
) -> ApiResult<Response> {
    let named = file.parse().ok();
    let secret = query.token.unwrap_or_default().into();
    let opened = auth::download_open(&state.auth, &secret, request_id).await;
    let (store, id) = opened.map_err(hidden)?;
    if named != Some(id) {
        return Err(ApiError::not_found());
    }
    let mut unit = store.read().await?;
    let found = unit.chat_files().chat_file_bytes_get(id).await?;
    files::answer(found, Keep::Never)
}

/// Whatever is wrong with an address, nobody learns what.
fn hidden(error: AuthError) -> ApiError {
    match error {
        AuthError::Store(error @ (StoreError::Unavailable(_) | StoreError::Internal(_))) => {
            error.into()
        }
        _ => ApiError::not_found(),
    }
}
