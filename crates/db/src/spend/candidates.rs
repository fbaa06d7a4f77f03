//! Which limit holds for people, and whom their spend is charged to: fetched for many people at once, decided
//! by `model::budgets`.

use std::collections::BTreeMap;

use diesel_async::AsyncPgConnection;
use model::{
    GroupId, OrganizationId, UserId,
    budgets::{EffectiveBudget, Resolution},
};
use store::StoreResult;

use super::calendar::Calendar;
use crate::budgets;

/// The limit that holds for a person, and where spend goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// The limit that blocks; else the one that is only observed.
    pub(super) budget: Option<EffectiveBudget>,
    pub(super) group: Option<GroupId>,
    pub(super) organization: Option<OrganizationId>,
}

impl From<&Resolution> for Standing {
    fn from(resolution: &Resolution) -> Self {
        Self {
            budget: resolution.enforced.or(resolution.observed),
            group: resolution.group_id,
            organization: resolution.organization_id,
        }
    }
}

/// Where people stand at the instant of the calendar, read by statements of its own: sent after locks were asked
/// for, they see what was committed before the locks were had.
pub(super) async fn resolutions(
    conn: &AsyncPgConnection,
    calendar: &Calendar,
    people: &[UserId],
) -> StoreResult<BTreeMap<UserId, Resolution>> {
    let rules = (calendar.policy, calendar.everyone);
    budgets::resolutions(conn, people, rules, calendar.now).await
}

/// The same, without the reasons.
pub(super) async fn standings(
    conn: &AsyncPgConnection,
    calendar: &Calendar,
    people: &[UserId],
) -> StoreResult<BTreeMap<UserId, Standing>> {
    let found = resolutions(conn, calendar, people).await?;
    let standing = |(user, resolution): (&UserId, &Resolution)| (*user, resolution.into());
    Ok(found.iter().map(standing).collect())
}
