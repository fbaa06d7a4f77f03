//! The OpenAPI document of this server.

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::error::{ApiError, ApiResult};

/// The document, made once: it depends on nothing but this program.
static DOCUMENT: LazyLock<Option<String>> =
    LazyLock::new(|| serde_json::to_string(&crate::openapi()).ok());

/// Get the OpenAPI document of this API.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "deployment",
    responses((status = 200, description = "The document.", body = serde_json::Value)),
)]
pub(crate) async fn openapi_document() -> ApiResult<Response> {
    let document = DOCUMENT.as_deref().ok_or(ApiError::Panic)?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], document).into_response())
}
