//! The people by whom an organization's groups were charged.

use axum::Json;
use bursar_sdk::{OrganizationAiSpendUsers, SpendUserListQuery};
use model::{PageRequest, spend_reports::SpendUserFilter};

use super::{
    parse::{MONTH_DAYS, span},
    wire,
};
use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, PathParams, QueryParams},
    validate::{Checked, both, optional, text, wrong},
};

/// How many people a page holds when nobody says, and at most.
const LIMIT: u32 = 10;
const LIMIT_MAX: u32 = 100;

/// List the people by whom groups of an organization were charged in a period: by cost, the greatest first, then by
/// username and id.
///
/// The period is the present one of budgets unless both ends are given, at most 31 days apart.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/ai/spend/users",
    tag = "spend",
    params(
        ("organization" = String, Path, description = "An id, a name or `default`."),
        SpendUserListQuery,
    ),
    responses(
        (status = 200, description = "A page of people, and sums over all.", body = OrganizationAiSpendUsers),
        (
            status = 403,
            description = "The feature `aibridge` is off, or the caller may not read all members of the organization's \
                groups.",
            body = bursar_sdk::ErrorBody,
        ),
    ),
)]
pub(crate) async fn spend_user_list(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(organization): PathParams<String>,
    query: ApiResult<QueryParams<SpendUserListQuery>>,
) -> ApiResult<Json<OrganizationAiSpendUsers>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let QueryParams(query) = query?;
    let period = span(query.period_start, query.period_end, MONTH_DAYS)?;
    let words = |field: &str, words: Option<&str>| optional(words, |words| text(field, words));
    let named = both(
        words("provider_name", query.provider_name.as_deref()),
        words("model", query.model.as_deref()),
    );
    let rest = both(
        words("client", query.client.as_deref()),
        page(query.limit, query.offset),
    );
    let ((provider_name, model), (client, page)) = both(named, rest).map_err(ApiError::Query)?;
    let filter = SpendUserFilter {
        organization_id: found.id,
        period,
        provider_name,
        model,
        client,
    };
    let report = unit.spend_reports().spend_user_list(&filter, page).await;
    let report = report.map_err(ApiError::of_readable)?;
    Ok(Json(wire::users(report)))
}

fn page(limit: Option<u32>, offset: Option<u32>) -> Checked<PageRequest> {
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return wrong("limit", format_args!("must be between 1 and {LIMIT_MAX}"));
    }
    Ok(PageRequest {
        limit,
        offset: offset.unwrap_or(0),
    })
}
