//! Prices are set.

use axum::http::StatusCode;
use bursar_sdk::UpsertAiModelPricesRequest;
use model::prices::PriceDrafts;

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, JsonBody},
};

/// What is said of prices that cannot be set.
const INVALID: &str = "Invalid AI model prices.";

/// Set prices of models, all of the list or none. They work on the next request, and change no cost of an earlier one.
///
/// Each entry is set whole, in the place of one with the same provider, model and `effective_from`. Setting what is set
/// already changes nothing.
#[utoipa::path(
    post,
    path = "/ai/model-prices",
    tag = "prices",
    request_body = UpsertAiModelPricesRequest,
    responses(
        (status = 204, description = "They are set."),
        (status = 403, description = "The caller may not set prices, or the feature `aibridge` is off.",
            body = bursar_sdk::ErrorBody),
        (status = 413, description = "The body is too large.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn model_price_upsert(
    AiBridgeSession(caller): AiBridgeSession,
    body: Result<JsonBody<PriceDrafts>, ApiError>,
) -> ApiResult<StatusCode> {
    let JsonBody(drafts) = body.map_err(|error| wire::named(error, INVALID))?;
    let prices = drafts
        .read()
        .map_err(|problems| wire::invalid(INVALID, problems))?;
    let mut unit = caller.store.begin().await?;
    let set = unit.prices().model_price_upsert(&prices).await;
    set.map_err(ApiError::of_readable)?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
