//! The prices of models.

use axum::{Json, extract::State};
use bursar_sdk::{AiModelPrice, AiModelPriceSelection, ModelPriceListQuery};
use model::prices::{PriceFilter, PriceOrigin, PriceSelection};

use super::wire;
use crate::{
    ApiState,
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, QueryParams},
    providers::kind,
};

/// List the prices of models: those that were set and those that are built in.
///
/// A model that only a match rule or the built-in catalogue knows is found when it is asked for by `model`.
#[utoipa::path(
    get,
    path = "/ai/model-prices",
    tag = "prices",
    params(ModelPriceListQuery),
    responses(
        (status = 200, description = "The prices, by provider, model and source.", body = Vec<AiModelPrice>),
        (status = 403, description = "The caller may not see prices, or the feature `aibridge` is off.",
            body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn model_price_list(
    State(state): State<ApiState>,
    AiBridgeSession(caller): AiBridgeSession,
    QueryParams(query): QueryParams<ModelPriceListQuery>,
) -> ApiResult<Json<Vec<AiModelPrice>>> {
    let mut unit = caller.store.read().await?;
    let custom = unit.prices().price_book_get().await;
    let custom = custom.map_err(ApiError::of_readable)?;
    let filter = filter(query);
    let listed = state.prices.list(&custom, &filter, state.auth.clock.now());
    Ok(Json(listed.into_iter().map(wire::price).collect()))
}

fn filter(query: ModelPriceListQuery) -> PriceFilter {
    let source = query.source.map(|source| match source {
        AiModelPriceSelection::Default => PriceSelection::Of(PriceOrigin::Default),
        AiModelPriceSelection::Custom => PriceSelection::Of(PriceOrigin::Custom),
        AiModelPriceSelection::All => PriceSelection::All,
    });
    PriceFilter {
        provider: query.provider.map(kind),
        model: query.model,
        source: source.unwrap_or_default(),
    }
}
