//! A change of a group and of who is in it.

use axum::Json;
use bursar_sdk::{Group, PatchGroupRequest};
use model::{UserId, groups::GroupUpdate};

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session, id_param},
    validate::{Checked, both, display_name, optional, parse, text, wrong},
};

/// Change a group and who is in it; what is absent stays as it is.
#[utoipa::path(
    patch,
    path = "/groups/{group}",
    tag = "groups",
    params(("group" = uuid::Uuid, Path, description = "The group's id.")),
    request_body = PatchGroupRequest,
    responses(
        (status = 200, description = "The group.", body = Group),
        (status = 409, description = "The name is taken, or somebody is in it already.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn group_update(
    Session(caller): Session,
    PathParams(group): PathParams<String>,
    JsonBody(body): JsonBody<PatchGroupRequest>,
) -> ApiResult<Json<Group>> {
    let id = id_param(&group)?;
    let update = update(&body)?;
    let mut unit = caller.store.begin().await?;
    let group = unit.groups().group_update(id, &update).await?;
    let members = unit.groups().group_member_list(&[id]).await?;
    unit.commit().await?;
    Ok(Json(wire::group_with(group, members)))
}

fn update(body: &PatchGroupRequest) -> Checked<GroupUpdate> {
    let names = both(
        optional(body.name.as_deref(), |name| parse("name", name)),
        optional(body.display_name.as_deref(), |name| {
            display_name("display_name", name)
        }),
    );
    let avatar_url = optional(body.avatar_url.as_deref(), |url| text("avatar_url", url));
    let (((name, display_name), avatar_url), (add_users, remove_users)) =
        both(both(names, avatar_url), people(body))?;
    Ok(GroupUpdate {
        name,
        display_name,
        avatar_url,
        add_users,
        remove_users,
    })
}

/// Who comes and who goes: nobody may do both.
fn people(body: &PatchGroupRequest) -> Checked<(Vec<UserId>, Vec<UserId>)> {
    let ids = |ids: &[uuid::Uuid]| {
        let mut ids: Vec<UserId> = ids.iter().copied().map(UserId).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let (add, remove) = (ids(&body.add_users), ids(&body.remove_users));
    if add.iter().any(|id| remove.binary_search(id).is_ok()) {
        return wrong("remove_users", "must not name somebody who is added");
    }
    Ok((add, remove))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn nobody_comes_and_goes_at_once() {
        let check = |add: &[u128], remove: &[u128], good: bool| {
            let ids = |ids: &[u128]| ids.iter().copied().map(Uuid::from_u128).collect();
            let (add_users, remove_users) = (ids(add), ids(remove));
            let body = PatchGroupRequest {
                add_users,
                remove_users,
                ..Default::default()
            };
            assert_eq!(people(&body).is_ok(), good, "{add:?} {remove:?}");
        };
        check(&[], &[], true);
        check(&[1, 2, 2], &[3], true);
        check(&[1, 2], &[2], false);
    }
}
