//! The names that models go by elsewhere.

use axum::Json;
use bursar_sdk::AiModelAlias;

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::AiBridgeSession,
};

/// List the aliases of models, by provider and name.
#[utoipa::path(
    get,
    path = "/ai/model-aliases",
    tag = "prices",
    responses(
        (status = 200, description = "The aliases.", body = Vec<AiModelAlias>),
        (status = 403, description = "The caller may not see prices, or the feature `aibridge` is off.",
            body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn model_alias_list(
    AiBridgeSession(caller): AiBridgeSession,
) -> ApiResult<Json<Vec<AiModelAlias>>> {
    let mut unit = caller.store.read().await?;
    let custom = unit.prices().price_book_get().await;
    let mut aliases = custom.map_err(ApiError::of_readable)?.aliases;
    aliases.sort_by_cached_key(|stored| {
        (
            stored.alias.provider,
            stored.alias.provider_model.to_lowercase(),
        )
    });
    Ok(Json(aliases.into_iter().map(wire::alias).collect()))
}
