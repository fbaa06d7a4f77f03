//! All features.

use axum::Json;
use bursar_sdk::FeatureFlag;
use model::feature_flags::Feature;

use super::wire;
use crate::{error::ApiResult, extract::Session};

/// List the features that can be switched, and where they are on.
#[utoipa::path(
    get,
    path = "/feature-flags",
    tag = "feature flags",
    responses((status = 200, description = "The features.", body = Vec<FeatureFlag>)),
)]
pub(crate) async fn feature_flag_list(
    Session(caller): Session,
) -> ApiResult<Json<Vec<FeatureFlag>>> {
    let mut unit = caller.store.read().await?;
    let switches = unit.feature_flags().feature_flag_list().await?;
    let mut flags = Vec::with_capacity(Feature::ALL.len());
    for feature in Feature::ALL {
        let on = unit.feature_flags().feature_enabled(feature, None).await?;
        flags.push(wire::flag(feature, on, &switches));
    }
    Ok(Json(flags))
}
