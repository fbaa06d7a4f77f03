//! The end of an alias.

use axum::http::StatusCode;
use bursar_sdk::ModelAliasDeleteQuery;

use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, QueryParams},
    providers::kind,
};

/// Remove an alias.
#[utoipa::path(
    delete,
    path = "/ai/model-aliases",
    tag = "prices",
    params(ModelAliasDeleteQuery),
    responses(
        (status = 204, description = "It was removed."),
        (status = 403, description = "The caller may not set prices, or the feature `aibridge` is off.",
            body = bursar_sdk::ErrorBody),
        (status = 404, description = "There was none.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn model_alias_delete(
    AiBridgeSession(caller): AiBridgeSession,
    QueryParams(query): QueryParams<ModelAliasDeleteQuery>,
) -> ApiResult<StatusCode> {
    let mut unit = caller.store.begin().await?;
    let provider = kind(query.provider);
    let mut prices = unit.prices();
    let removed = prices
        .model_alias_delete(provider, &query.provider_model)
        .await;
    if !removed.map_err(ApiError::of_readable)? {
        return Err(ApiError::not_found());
    }
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
