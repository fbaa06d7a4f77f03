//! What was charged to groups of an organization.

use axum::Json;
use bursar_sdk::{OrganizationGroupSpendListQuery, OrganizationGroupsAiSpend};

use super::{parse::ids, wire};
use crate::{
    error::ApiResult,
    extract::{AiBridgeSession, PathParams, QueryParams},
};

/// Get what was charged to groups of an organization in the present period.
///
/// Groups that do not exist, that are another organization's, or that the caller may not see are left out.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/groups/ai/spend",
    tag = "spend",
    params(
        ("organization" = String, Path, description = "An id, a name or `default`."),
        OrganizationGroupSpendListQuery,
    ),
    responses(
        (status = 200, description = "Limits and spend.", body = OrganizationGroupsAiSpend),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn organization_group_spend_list(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(organization): PathParams<String>,
    query: ApiResult<QueryParams<OrganizationGroupSpendListQuery>>,
) -> ApiResult<Json<OrganizationGroupsAiSpend>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let QueryParams(query) = query?;
    let groups = ids("group_ids", query.group_ids)?;
    let report = unit
        .spend_reports()
        .organization_group_spend_list(found.id, &groups)
        .await?;
    Ok(Json(wire::groups(&report)))
}
