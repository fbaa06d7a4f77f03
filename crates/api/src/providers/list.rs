//! The configured providers.

use axum::Json;
use bursar_sdk::AiProvider;

use super::wire;
use crate::{error::ApiResult, extract::Session};

/// List the AI providers that the caller may see, by name. Their keys are not shown.
#[utoipa::path(
    get,
    path = "/ai/providers",
    tag = "providers",
    responses((status = 200, description = "The providers.", body = Vec<AiProvider>)),
)]
pub(crate) async fn provider_list(Session(caller): Session) -> ApiResult<Json<Vec<AiProvider>>> {
    let mut unit = caller.store.read().await?;
    let found = unit.providers().provider_list().await?;
    Ok(Json(found.into_iter().map(wire::provider).collect()))
}
