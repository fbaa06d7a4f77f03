//! Which limit holds for people, and whom their spend is charged to: fetched for many people at once, decided
//! by `model::budgets`.

use std::collections::BTreeMap;

use diesel_async::AsyncPgConnection;
use model::{
    GroupId, OrganizationId, UserId,
    budgets::{Candidates, EffectiveBudget, Resolution, resolve},
    spend::Account,
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

impl Standing {
    /// Whom the spend of this person is charged to.
    pub(super) const fn account(&self, user_id: UserId) -> Account {
        Account {
            user_id,
            group_id: self.group,
            organization_id: self.organization,
        }
    }
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

/// Where people stand at the instant of the calendar.
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
    let found = budgets::candidates(conn, people).await?;
    Ok(stand(calendar, &found))
}

/// Where people stand by what was found of them.
pub(super) fn stand(
    calendar: &Calendar,
    found: &BTreeMap<UserId, Candidates>,
) -> BTreeMap<UserId, Standing> {
    let standing = |(user, found): (&UserId, &Candidates)| {
        let resolution = resolve(calendar.policy, calendar.everyone, found, calendar.now);
        (*user, Standing::from(&resolution))
    };
    found.iter().map(standing).collect()
}
