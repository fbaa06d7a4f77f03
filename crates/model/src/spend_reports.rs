//! Reports of what people and groups spent.
//!
//! A group's spend is what was **charged to it**, by whomever, also by people who have left since. A person's limit
//! follows [`resolve`](crate::budgets::resolve), and no report decides it anew: these functions only add up, and leave
//! out, what it says.

use crate::{
    GroupId, Micros, OrganizationId, UserId,
    budgets::{EffectiveBudget, Resolution},
    spend::{Period, PoolState},
};

/// What was charged to a group in a period, beside what its people may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupSpend {
    /// The group.
    pub group_id: GroupId,
    /// The limit for each member; `None` without a budget.
    pub spend_limit: Option<Micros>,
    /// What the people whose spend is charged to the group may spend together; `None` without a budget.
    pub total_spend_limit: Option<Micros>,
    /// What was charged to the group in the period.
    pub spent: Micros,
    /// The group's pool, in its own period.
    pub pool: Option<PoolState>,
}

/// Groups, by their ids, with what was charged to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpendReport {
    /// The present period of people's budgets.
    pub period: Period,
    /// Those groups that exist and may be seen.
    pub groups: Vec<GroupSpend>,
}

/// A member of a group, with what was charged to that group on their account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberSpend {
    /// The person.
    pub user_id: UserId,
    /// The group that the person's spend is charged to now; `None` when that is of another organization.
    pub effective_group_id: Option<GroupId>,
    /// The limit that holds for the person; `None` when it is of another organization, or when there is none.
    pub effective_budget: Option<EffectiveBudget>,
    /// The same if it is this group that is charged, and `None` otherwise.
    pub group_budget: Option<EffectiveBudget>,
    /// What was charged to this group in the period.
    pub group_spent: Micros,
}

/// Members of a group, by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSpendReport {
    /// The present period of people's budgets.
    pub period: Period,
    /// Those people who are in the group and may be seen.
    pub members: Vec<MemberSpend>,
}

/// The limit that a resolution shows: the one that blocks, else the one that is only observed.
fn shown(resolution: &Resolution) -> Option<EffectiveBudget> {
    resolution.enforced.or(resolution.observed)
}

/// What people may spend together whose spend is charged to this group. An override counts with its own limit;
/// who is governed by another group, or by nothing, does not count.
#[must_use]
pub fn total_limit<'a>(group: GroupId, people: impl IntoIterator<Item = &'a Resolution>) -> Micros {
    people
        .into_iter()
        .filter_map(shown)
        .filter(|budget| budget.group_id == group)
        .fold(Micros::ZERO, |sum, budget| {
            sum.saturating_add(budget.spend_limit)
        })
}

/// A member as the group's organization may see them: what another organization gives them is not its business.
#[must_use]
pub fn member_spend(
    (group, organization): (GroupId, OrganizationId),
    user_id: UserId,
    resolution: &Resolution,
    group_spent: Micros,
) -> MemberSpend {
    let here = resolution.organization_id == Some(organization);
    let budget = shown(resolution).filter(|_| here);
    MemberSpend {
        user_id,
        effective_group_id: resolution.group_id.filter(|_| here),
        effective_budget: budget,
        group_budget: budget.filter(|budget| budget.group_id == group),
        group_spent,
    }
}

/// How finely an export tells its sums apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportGrain {
    /// One sum for the whole period.
    #[default]
    Period,
    /// One for each day, in UTC.
    Day,
}

/// What to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpendExportFilter {
    /// The organization that was charged.
    pub organization_id: OrganizationId,
    /// Which period; `None` is the present one of people's budgets.
    pub period: Option<Period>,
    /// How finely.
    pub grain: ExportGrain,
}

/// What one person used of one model of one provider, charged to one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendExportRow {
    /// The person.
    pub user_id: UserId,
    /// The person's unique name, also after the account's end.
    pub username: String,
    /// The group that was charged; `None` for none.
    pub group_id: Option<GroupId>,
    /// The group's name, also when it is gone; empty for none.
    pub group_name: String,
    /// The model that was asked for.
    pub model: String,
    /// The provider's type, also when it is gone; empty for one that was never configured here.
    pub provider: String,
    /// The provider's name at that time.
    pub provider_name: String,
    /// Tokens of the prompt that came from no cache, audio included.
    pub input_tokens: i64,
    /// Tokens of the answer, audio included.
    pub output_tokens: i64,
    /// Tokens read from a cache.
    pub cache_read_tokens: i64,
    /// Tokens written to a cache.
    pub cache_write_tokens: i64,
    /// What the usage cost whose price is known; `None` when none of it is.
    pub cost: Option<Micros>,
    /// How many requests there were.
    pub requests: i64,
    /// How many of them have no known price.
    pub unpriced: i64,
    /// The span that the row is about.
    pub period: Period,
}

/// Which usage to add up by person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendUserFilter {
    /// The organization that was charged.
    pub organization_id: OrganizationId,
    /// Which period; `None` is the present one of people's budgets.
    pub period: Option<Period>,
    /// Only of the provider that had this name.
    pub provider_name: Option<String>,
    /// Only of this model, as it was asked for.
    pub model: Option<String>,
    /// Only by this program; [`UNKNOWN_CLIENT`] finds those that are not known.
    pub client: Option<String>,
}

/// What reports call a program that is not known.
pub const UNKNOWN_CLIENT: &str = "Unknown";

/// A person's usage, added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSpend {
    /// The person.
    pub user_id: UserId,
    /// The person's unique name, also after the account's end.
    pub username: String,
    /// What it cost, as far as prices are known.
    pub cost: Micros,
    /// How many requests have no known price.
    pub unpriced: u64,
    /// The names of the providers, in order.
    pub providers: Vec<String>,
    /// The programs, in order.
    pub clients: Vec<String>,
    /// The models, in order.
    pub models: Vec<String>,
}

/// A page of people by what they spent, the greatest first, and the sums over all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSpendReport {
    /// The period.
    pub period: Period,
    /// The people asked for.
    pub users: Vec<UserSpend>,
    /// How many people there are in all.
    pub count: u64,
    /// What all of them spent, as far as prices are known.
    pub cost: Micros,
    /// How many of all requests have no known price.
    pub unpriced: u64,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::budgets::{BudgetMode, LimitSource};

    const ACME: OrganizationId = OrganizationId(Uuid::from_u128(1));
    const TEAM: GroupId = GroupId(Uuid::from_u128(2));

    /// A limit by this source, charged to a group of an organization; zero is no limit.
    fn holds(limit: i64, source: LimitSource, group: GroupId, org: OrganizationId) -> Resolution {
        let budget = EffectiveBudget {
            group_id: group,
            spend_limit: Micros(limit),
            source,
            mode: BudgetMode::Enforce,
            summed: false,
        };
        Resolution {
            enforced: Some(budget).filter(|_| limit > 0),
            observed: None,
            group_id: Some(group),
            organization_id: Some(org),
            considered: Vec::new(),
        }
    }

    #[test]
    fn a_total_adds_up_who_is_charged_here() {
        let here = holds(100, LimitSource::Group, TEAM, ACME);
        let own = holds(500, LimitSource::UserOverride, TEAM, ACME);
        let elsewhere = holds(70, LimitSource::Group, ACME.everyone(), ACME);
        let free = holds(0, LimitSource::Group, TEAM, ACME);
        let check = |people: &[&Resolution], total: i64| {
            assert_eq!(total_limit(TEAM, people.iter().copied()), Micros(total));
        };
        check(&[], 0);
        check(&[&here, &here, &own], 700);
        check(&[&here, &elsewhere, &free], 100);
        let most = holds(i64::MAX, LimitSource::UserOverride, TEAM, ACME);
        check(&[&most, &here], i64::MAX);
        // What is only observed is shown as well.
        let mut watched = holds(30, LimitSource::Group, TEAM, ACME);
        watched.observed = watched.enforced.take();
        check(&[&watched], 30);
    }

    #[test]
    fn another_organizations_budgets_are_not_told() {
        let beta = OrganizationId(Uuid::from_u128(9));
        let check = |resolution: Resolution, group: bool, budget: bool, own: bool| {
            let user = UserId(Uuid::from_u128(3));
            let shown = member_spend((TEAM, ACME), user, &resolution, Micros(7));
            assert_eq!(shown.effective_group_id.is_some(), group, "{resolution:?}");
            assert_eq!(shown.effective_budget.is_some(), budget, "{resolution:?}");
            assert_eq!(shown.group_budget.is_some(), own, "{resolution:?}");
            assert_eq!(shown.group_spent, Micros(7));
        };
        let by = LimitSource::Group;
        check(holds(1, by, TEAM, ACME), true, true, true);
        check(holds(1, by, ACME.everyone(), ACME), true, true, false);
        check(holds(0, by, TEAM, ACME), true, false, false);
        check(holds(1, by, beta.everyone(), beta), false, false, false);
    }
}
