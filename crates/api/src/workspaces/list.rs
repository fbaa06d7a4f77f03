//! A page of an organization's workspaces, narrowed by owner, sharing and name.

use axum::Json;
use bursar_sdk::{WorkspaceListQuery, WorkspacesResponse};
use model::{
    OrganizationId, PageRequest, UserId,
    workspaces::{OwnerFilter, WorkspaceFilter},
};

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{PathParams, QueryParams, Session},
    validate::{Checked, both, optional, page, parse, text},
};

/// How many workspaces a page holds when nobody says.
const LIMIT: u32 = 100;

/// List the workspaces of an organization that the caller may see, by name.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/workspaces",
    tag = "workspaces",
    params(
        ("organization" = String, Path, description = "An id, a name or `default`."),
        WorkspaceListQuery,
    ),
    responses((status = 200, description = "A page of workspaces.", body = WorkspacesResponse)),
)]
pub(crate) async fn workspace_list(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    QueryParams(query): QueryParams<WorkspaceListQuery>,
) -> ApiResult<Json<WorkspacesResponse>> {
    let me = caller.store.user_id();
    let (filter, page) = read(&query, me).map_err(ApiError::Query)?;
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let filter = filter(found.id);
    let found = unit.workspaces().workspace_list(&filter, page).await?;
    Ok(Json(WorkspacesResponse {
        workspaces: found.items.into_iter().map(wire::workspace).collect(),
        count: found.count,
    }))
}

/// What is asked for, once the organization is known.
fn read(
    query: &WorkspaceListQuery,
    me: UserId,
) -> Checked<(
    impl FnOnce(OrganizationId) -> WorkspaceFilter + use<>,
    PageRequest,
)> {
    let owner = optional(query.owner.as_deref(), |text| owner(text, me));
    let search = optional(query.q.as_deref(), |words| text("q", words));
    let page = page(query.limit, query.offset, LIMIT);
    let ((owner, search), page) = both(both(owner, search), page)?;
    let shared_with = query.shared.then_some(me);
    let filter = move |organization| WorkspaceFilter {
        organization_id: Some(organization),
        owner,
        shared_with,
        search,
    };
    Ok((filter, page))
}

fn owner(text: &str, me: UserId) -> Checked<OwnerFilter> {
    if text.eq_ignore_ascii_case("me") {
        return Ok(OwnerFilter::Id(me));
    }
    match text.parse() {
        Ok(id) => Ok(OwnerFilter::Id(id)),
        Err(_) => parse("owner", text).map(OwnerFilter::Name),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_owner_is_named_by_id_name_or_me() {
        let me = UserId(Uuid::from_u128(1));
        let check = |text: &str, expected: Option<OwnerFilter>| {
            assert_eq!(owner(text, me).ok(), expected, "{text}");
        };
        check("me", Some(OwnerFilter::Id(me)));
        check("ME", Some(OwnerFilter::Id(me)));
        check("ada", "ada".parse().ok().map(OwnerFilter::Name));
        let id = "0190D3A0-B5A0-7C3B-9D2F-3F1D2A3B4C5D";
        check(id, id.parse().ok().map(OwnerFilter::Id));
        check("a b", None);
        check("\0", None);
    }
}
