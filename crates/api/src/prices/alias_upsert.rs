//! An alias is set.

use axum::Json;
use bursar_sdk::{AiModelAlias, UpsertAiModelAliasRequest};
use model::prices::AliasDraft;

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, JsonBody},
};

/// What is said of an alias that cannot be set.
const INVALID: &str = "Invalid AI model alias.";

/// Set an alias: requests for the name are priced as the model from the next one on.
///
/// Custom prices of the very name come before an alias; an alias comes before the prices that are built in. One of the
/// same provider and name is replaced. Setting what is set already changes nothing.
#[utoipa::path(
    put,
    path = "/ai/model-aliases",
    tag = "prices",
    request_body = UpsertAiModelAliasRequest,
    responses(
        (status = 200, description = "The alias.", body = AiModelAlias),
        (status = 403, description = "The caller may not set prices, or the feature `aibridge` is off.",
            body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn model_alias_upsert(
    AiBridgeSession(caller): AiBridgeSession,
    body: Result<JsonBody<AliasDraft>, ApiError>,
) -> ApiResult<Json<AiModelAlias>> {
    let JsonBody(draft) = body.map_err(|error| wire::named(error, INVALID))?;
    let alias = draft
        .read()
        .map_err(|problems| wire::invalid(INVALID, problems))?;
    let mut unit = caller.store.begin().await?;
    let set = unit.prices().model_alias_upsert(&alias).await;
    let stored = set.map_err(ApiError::of_readable)?;
    unit.commit().await?;
    Ok(Json(wire::alias(stored)))
}
