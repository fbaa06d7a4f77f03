//! A page of the audit log.

use axum::Json;
use bursar_sdk::{AuditListQuery, AuditLogResponse};
use dbauthz::ReadUnit;
use model::{
    OrganizationId, UserId,
    audit::{AUDIT_COUNT_CAP, AuditCursor, AuditFilter},
};
use store::{StoreError, StoreResult};

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{QueryParams, Session},
    validate::{Checked, both, instant, optional, page, parse, text, wrong},
};

/// How many lines a page holds when nobody says.
const LIMIT: u32 = 25;

/// List the lines of the audit log that the caller may see, newest first.
///
/// To read them all, ask with the `next` of each page as the `after` of the following one, until `next` is `null`.
/// Each line that was there at the beginning comes once, whatever is added meanwhile.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "audit",
    params(AuditListQuery),
    responses((status = 200, description = "A page of lines.", body = AuditLogResponse)),
)]
pub(crate) async fn audit_list(
    Session(caller): Session,
    QueryParams(query): QueryParams<AuditListQuery>,
) -> ApiResult<Json<AuditLogResponse>> {
    let page = page(query.limit, query.offset, LIMIT);
    let ((mut filter, after), page) =
        both(both(filter(&query), after(&query)), page).map_err(ApiError::Query)?;
    filter.after = after;
    let mut unit = caller.store.read().await?;
    filter.user_id = user(&mut unit, query.user.as_deref()).await?;
    filter.organization_id = organization(&mut unit, query.organization.as_deref()).await?;
    let found = unit.audit().audit_list(&filter, page).await?;
    let audit_logs = found.items.into_iter().map(wire::audit_log).collect();
    Ok(Json(AuditLogResponse {
        audit_logs,
        count: found.count,
        count_cap: AUDIT_COUNT_CAP,
        next: found.next.map(|place| place.to_string()),
    }))
}

/// Where the page before ended.
fn after(query: &AuditListQuery) -> Checked<Option<AuditCursor>> {
    if query.after.is_some() && query.offset.is_some() {
        return wrong("offset", "cannot be given together with `after`");
    }
    optional(query.after.as_deref(), |place| parse("after", place))
}

/// What the query says without looking anything up.
fn filter(query: &AuditListQuery) -> Checked<AuditFilter> {
    let resource = both(
        optional(query.resource_type.as_deref(), |words| {
            text("resource_type", words)
        }),
        optional(query.resource_id.as_deref(), |words| {
            text("resource_id", words)
        }),
    );
    let times = both(instant("since", query.since), instant("until", query.until));
    let ((resource_type, resource_id), (since, until)) = both(resource, times)?;
    Ok(AuditFilter {
        resource_type,
        resource_id,
        action: query.action.map(wire::action),
        request_id: query.request_id,
        since,
        until,
        ..AuditFilter::default()
    })
}

/// The person meant. An id is taken as it is: the log outlives the people in it.
async fn user(unit: &mut ReadUnit, text: Option<&str>) -> ApiResult<Option<UserId>> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    let found = unit.users().user_find(text).await;
    known("user", found.map(|user| user.id))
}

/// The organization meant. An id is taken as it is: the log outlives the organizations in it.
async fn organization(
    unit: &mut ReadUnit,
    text: Option<&str>,
) -> ApiResult<Option<OrganizationId>> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    let found = unit.organizations().organization_find(text).await;
    known("organization", found.map(|organization| organization.id))
}

fn known<T>(field: &str, found: StoreResult<T>) -> ApiResult<Option<T>> {
    match found {
        Err(StoreError::NotFound | StoreError::Denied { .. }) => {
            wrong(field, "is unknown").map_err(ApiError::Query)
        }
        found => Ok(Some(found?)),
    }
}
