//! What was charged to a group on account of its members.

use axum::Json;
use bursar_sdk::{GroupMemberSpendListQuery, GroupMembersAiSpend};
use dbauthz::ReadUnit;
use model::{GroupId, groups::GroupFilter};

use super::{parse::ids, wire};
use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, PathParams, QueryParams, id_param},
};

type Query = ApiResult<QueryParams<GroupMemberSpendListQuery>>;

/// Get what was charged to a group on account of its members in the present period, and the limits that hold for them.
///
/// People who are not in the group, or whom the caller may not see there, are left out. Also served at
/// `/organizations/{organization}/groups/{group_name}/members/ai/spend`.
#[utoipa::path(
    get,
    path = "/groups/{group}/members/ai/spend",
    tag = "spend",
    params(
        ("group" = uuid::Uuid, Path, description = "The group's id."),
        GroupMemberSpendListQuery,
    ),
    responses(
        (status = 200, description = "Limits and spend.", body = GroupMembersAiSpend),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn group_member_spend_list(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(group): PathParams<String>,
    query: Query,
) -> ApiResult<Json<GroupMembersAiSpend>> {
    let id = id_param(&group)?;
    let mut unit = caller.store.read().await?;
    list(&mut unit, id, query).await
}

/// The same for a group of an organization by its name, without regard to case.
pub(super) async fn group_member_spend_list_by_name(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams((organization, name)): PathParams<(String, String)>,
    query: Query,
) -> ApiResult<Json<GroupMembersAiSpend>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let filter = GroupFilter {
        organization_id: Some(found.id),
        user_id: None,
    };
    let groups = unit.groups().group_list(filter).await?;
    let name = name.to_lowercase();
    let named = |group: &&model::groups::Group| group.name.as_str().to_lowercase() == name;
    let group = groups.iter().find(named).ok_or(ApiError::not_found())?;
    list(&mut unit, group.id, query).await
}

async fn list(
    unit: &mut ReadUnit,
    group: GroupId,
    query: Query,
) -> ApiResult<Json<GroupMembersAiSpend>> {
    // Whether there is such a group comes before what is asked about it.
    unit.groups().group_get(group).await?;
    let QueryParams(query) = query?;
    let users = ids("user_ids", query.user_ids)?;
    let report = unit
        .spend_reports()
        .group_member_spend_list(group, &users)
        .await?;
    Ok(Json(wire::members(&report)))
}
