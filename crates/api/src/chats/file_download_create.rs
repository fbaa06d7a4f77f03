//! An address of a file.

use axum::{Json, extract::State};
use bursar_sdk::ChatFileDownloadUrl;
use chrono::TimeDelta;
use model::ChatFileId;
use secrecy::ExposeSecret;
use url::Url;

use super::files;
use crate::{
    ApiState, PREFIX,
    error::ApiResult,
    extract::{PathParams, Session},
};

/// How long an address holds.
const LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// Make an address that leads to a file for a quarter of an hour without a session, as long as the caller may read it.
#[utoipa::path(
    post,
    path = "/chats/files/{file}/download-url",
    tag = "chats",
    params(("file" = uuid::Uuid, Path, description = "The file's id.")),
    responses((status = 200, description = "The address.", body = ChatFileDownloadUrl)),
)]
pub(crate) async fn chat_file_download_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(file): PathParams<String>,
) -> ApiResult<Json<ChatFileDownloadUrl>> {
    let id = files::id(&file)?;
    let secret = auth::download_secret()?;
    let expires_at = state.auth.clock.now() + LIFETIME;
    let mut unit = caller.store.begin().await?;
    let mut rooms = unit.chat_files();
    let file = rooms
        .chat_file_download_create(id, secret.hash, expires_at)
        .await?;
    unit.commit().await?;
    Ok(Json(ChatFileDownloadUrl {
        url: address(
            state.auth.access_url.as_ref(),
            id,
            secret.text.expose_secret(),
        ),
        expires_at,
        sha256: hex(&file.sha256),
        size_bytes: file.size_bytes,
        name: file.name,
        mime_type: file.mime_type,
    }))
}

/// Below the deployment's own address; where that is not known, below whichever the client knows.
fn address(base: Option<&Url>, id: ChatFileId, secret: &str) -> String {
    let base = base.map_or("", |url| url.as_str().trim_end_matches('/'));
    format!("{base}{PREFIX}/chats/files/{id}/download?token={secret}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_address_is_below_the_deployments() {
        let id = ChatFileId(Uuid::nil());
        let check = |base: Option<&str>, begins: &str| {
            let base = base.map(|text| text.parse().unwrap());
            let path = format!("/api/v2/chats/files/{id}/download?token=s");
            assert_eq!(address(base.as_ref(), id, "s"), format!("{begins}{path}"));
        };
        check(None, "");
        check(Some("https://bursar.example"), "https://bursar.example");
        check(
            Some("https://bursar.example/base/"),
            "https://bursar.example/base",
        );
    }

    #[test]
    fn a_digest_is_written_in_hexadecimal() {
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
    }
}
