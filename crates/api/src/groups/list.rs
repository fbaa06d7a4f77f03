//! The groups that the caller may see.

use axum::Json;
use bursar_sdk::{Group, GroupListQuery};
use dbauthz::ReadUnit;
use model::groups::GroupFilter;
use store::{StoreError, StoreResult};

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{QueryParams, Session},
    validate::{Checked, wrong},
};

/// List the groups that the caller may see, by organization and name.
#[utoipa::path(
    get,
    path = "/groups",
    tag = "groups",
    params(GroupListQuery),
    responses((status = 200, description = "The groups.", body = Vec<Group>)),
)]
pub(crate) async fn group_list(
    Session(caller): Session,
    QueryParams(query): QueryParams<GroupListQuery>,
) -> ApiResult<Json<Vec<Group>>> {
    let mut unit = caller.store.read().await?;
    let mut filter = GroupFilter::default();
    if let Some(text) = &query.organization {
        let found = unit.organizations().organization_find(text).await;
        filter.organization_id = Some(named("organization", found)?.id);
    }
    if let Some(text) = &query.has_member {
        let found = unit.users().user_find(text).await;
        filter.user_id = Some(named("has_member", found)?.id);
    }
    Ok(Json(list(&mut unit, filter).await?))
}

/// Something that a parameter of the query names.
fn named<T>(field: &str, found: StoreResult<T>) -> ApiResult<T> {
    let unknown = || -> Checked<T> { wrong(field, "is unknown") };
    match found {
        Err(StoreError::NotFound | StoreError::Denied { .. }) => unknown().map_err(ApiError::Query),
        found => Ok(found?),
    }
}

/// The groups that a filter admits, each with the people in it.
pub(super) async fn list(unit: &mut ReadUnit, filter: GroupFilter) -> StoreResult<Vec<Group>> {
    let groups = unit.groups().group_list(filter).await?;
    let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
    let members = unit.groups().group_member_list(&ids).await?;
    Ok(wire::groups(groups, members))
}
