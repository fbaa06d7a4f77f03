//! The end of a provider.

use axum::http::StatusCode;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Remove an AI provider and its key. Its usage stays in the ledger.
#[utoipa::path(
    delete,
    path = "/ai/providers/{name}",
    tag = "providers",
    params(("name" = String, Path, description = "The provider's name.")),
    responses((status = 204, description = "It was removed.")),
)]
pub(crate) async fn provider_delete(
    Session(caller): Session,
    PathParams(name): PathParams<String>,
) -> ApiResult<StatusCode> {
    let name = wire::name(&name)?;
    let mut unit = caller.store.begin().await?;
    unit.providers().provider_delete(&name).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
