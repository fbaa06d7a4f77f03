//! A switch is removed.

use axum::http::StatusCode;
use bursar_sdk::FeatureFlagDeleteQuery;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, QueryParams, Session},
};

/// Remove a switch: in an organization the whole deployment's holds again, without that the default.
#[utoipa::path(
    delete,
    path = "/feature-flags/{feature}",
    tag = "feature flags",
    params(
        ("feature" = String, Path, description = "The feature's name."),
        FeatureFlagDeleteQuery,
    ),
    responses(
        (status = 204, description = "It was removed."),
        (status = 404, description = "There was none.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn feature_flag_delete(
    Session(caller): Session,
    PathParams(name): PathParams<String>,
    QueryParams(query): QueryParams<FeatureFlagDeleteQuery>,
) -> ApiResult<StatusCode> {
    let feature = wire::feature(&name)?;
    let organization = query.organization_id.map(Into::into);
    let mut unit = caller.store.begin().await?;
    let mut flags = unit.feature_flags();
    flags.feature_flag_delete(feature, organization).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
