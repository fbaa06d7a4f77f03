//! A switch is set.

use axum::Json;
use bursar_sdk::{FeatureSwitch, UpsertFeatureFlagRequest};

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
};

/// Switch a feature on or off: in one organization, or in the whole deployment wherever an organization has no switch
/// of its own.
///
/// It holds from the next request on, on every server. Setting what is set already changes nothing.
#[utoipa::path(
    put,
    path = "/feature-flags/{feature}",
    tag = "feature flags",
    params(("feature" = String, Path, description = "The feature's name.")),
    request_body = UpsertFeatureFlagRequest,
    responses((status = 200, description = "The switch.", body = FeatureSwitch)),
)]
pub(crate) async fn feature_flag_upsert(
    Session(caller): Session,
    PathParams(name): PathParams<String>,
    JsonBody(body): JsonBody<UpsertFeatureFlagRequest>,
) -> ApiResult<Json<FeatureSwitch>> {
    let feature = wire::feature(&name)?;
    let organization = body.organization_id.map(Into::into);
    let mut unit = caller.store.begin().await?;
    let mut flags = unit.feature_flags();
    let set = flags.feature_flag_upsert(feature, organization, body.enabled);
    let set = set.await?;
    unit.commit().await?;
    Ok(Json(wire::switch(&set)))
}
