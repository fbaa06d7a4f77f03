//! What was charged to a group on account of its members, and which limits hold for them.

use diesel::prelude::*;
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    GroupId, OrganizationId, UserId,
    spend_reports::{MemberSpendReport, member_spend},
};
use rbac::Visibility;
use store::{StoreError, StoreResult};
use uuid::Uuid;

use super::{charged, people::resolutions, present};
use crate::{
    groups::{MEMBER_COLUMNS, group_members_expanded},
    query::rows,
    schema::users,
    visibility::Visible,
};

pub(super) async fn group_member_spend_list(
    conn: &AsyncPgConnection,
    group: GroupId,
    wanted: &[UserId],
    visibility: &Visibility,
) -> StoreResult<MemberSpendReport> {
    let wanted: Vec<Uuid> = wanted.iter().map(|id| id.0).collect();
    let found = group_members_expanded::table
        .inner_join(users::table)
        .filter(users::deleted.eq(false))
        .filter(group_members_expanded::group_id.eq(group.0))
        .filter(group_members_expanded::user_id.eq_any(wanted))
        .filter(Visible::new(visibility, &MEMBER_COLUMNS))
        .order(group_members_expanded::user_id)
        .select((
            group_members_expanded::user_id,
            group_members_expanded::organization_id,
        ));
    let (found, present) = try_join(rows::<_, (Uuid, Uuid)>(conn, found), present(conn)).await?;
    let mut report = MemberSpendReport {
        period: present.period,
        members: Vec::with_capacity(found.len()),
    };
    let Some((_, organization)) = found.first() else {
        return Ok(report);
    };
    let organization = OrganizationId(*organization);
    let people: Vec<UserId> = found.iter().map(|(user, _)| UserId(*user)).collect();
    let within = (organization, present.period);
    let (resolved, spent) = try_join(
        resolutions(conn, &present, &people),
        charged::by_members(conn, group, &people, within),
    )
    .await?;
    for user in people {
        let resolution = resolved.get(&user).ok_or(StoreError::NotFound)?;
        let spent = spent.get(&user).copied().unwrap_or_default();
        let place = (group, organization);
        report
            .members
            .push(member_spend(place, user, resolution, spent));
    }
    Ok(report)
}
