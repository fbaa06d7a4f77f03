//! One feature.

use axum::Json;
use bursar_sdk::FeatureFlag;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Get a feature: what it is, and where it is on.
#[utoipa::path(
    get,
    path = "/feature-flags/{feature}",
    tag = "feature flags",
    params(("feature" = String, Path, description = "The feature's name.")),
    responses((status = 200, description = "The feature.", body = FeatureFlag)),
)]
pub(crate) async fn feature_flag_get(
    Session(caller): Session,
    PathParams(name): PathParams<String>,
) -> ApiResult<Json<FeatureFlag>> {
    let feature = wire::feature(&name)?;
    let mut unit = caller.store.read().await?;
    let switches = unit.feature_flags().feature_flag_get(feature).await?;
    let on = unit.feature_flags().feature_enabled(feature, None).await?;
    Ok(Json(wire::flag(feature, on, &switches)))
}
