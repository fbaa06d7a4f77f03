//! How the bytes of a file are answered.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use model::{ChatFileId, chats::ChatFileBytes};
use store::StoreError;

use super::disposition;
use crate::error::{ApiError, ApiResult};

/// Whether a client may keep a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// For ever: it is the client's own, and never changes.
    Always,
    /// Not at all: the right to read it may end.
    Never,
}

/// Nothing in a file runs, whatever a browser makes of it.
const POLICY: &str = "default-src 'none'; sandbox";

/// Answers with a file.
pub(super) fn answer(found: ChatFileBytes, keep: Keep) -> ApiResult<Response> {
    let ChatFileBytes { file, data } = found;
    let disposition = disposition::header(&file.name, &file.mime_type);
    let cached = match keep {
        Keep::Always => "private, max-age=31536000, immutable",
        Keep::Never => "no-store",
    };
    let headers = [
        (header::CONTENT_TYPE, value(content_type(file.mime_type))?),
        (header::CONTENT_DISPOSITION, value(disposition)?),
        (header::CACHE_CONTROL, HeaderValue::from_static(cached)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
    ];
    Ok((headers, data).into_response())
}

/// Texts are UTF-8, or they were not kept.
fn content_type(mime_type: String) -> String {
    if mime_type.starts_with("text/") {
        mime_type + "; charset=utf-8"
    } else {
        mime_type
    }
}

fn value(text: String) -> ApiResult<HeaderValue> {
    let value = HeaderValue::try_from(text);
    value.map_err(|error| StoreError::Internal(Box::new(error)).into())
}

/// The id of a file in the path.
pub(super) fn id(text: &str) -> ApiResult<ChatFileId> {
    let invalid = || ApiError::Request("Invalid file ID.".to_owned());
    text.parse().ok().ok_or_else(invalid)
}
