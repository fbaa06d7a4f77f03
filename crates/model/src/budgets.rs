//! Budgets, and the rule that says which one holds for a person. This is the budget rule.
//!
//! A group's budget is a limit **for each member**, not a pool. Among the budgeted groups of a person the
//! highest limit holds; the Everyone group competes like any other. Ties go to the organization joined
//! first, then to the smallest group id. No budget means no limit; a limit of zero blocks.

use chrono::{DateTime, Utc};

use crate::{GroupId, Micros, OrganizationId};

/// The greatest limit that may be set: one million dollars for each person and period.
pub const MAX_SPEND_LIMIT: Micros = Micros(1_000_000_000_000);

/// A group's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupBudget {
    /// The group.
    pub group_id: GroupId,
    /// What each member may spend in a period.
    pub spend_limit: Micros,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was last set.
    pub updated_at: DateTime<Utc>,
}

/// A budget that may hold for a person, with what the choice among several depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetCandidate {
    /// The group that carries it.
    pub group_id: GroupId,
    /// The group's organization.
    pub organization_id: OrganizationId,
    /// The limit for each member.
    pub spend_limit: Micros,
    /// When the person joined the organization.
    pub joined_at: DateTime<Utc>,
}

/// Where a person's limit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitSource {
    /// A group's budget.
    Group,
}

/// The limit that holds for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectiveBudget {
    /// The group that the spend is charged to.
    pub group_id: GroupId,
    /// The limit.
    pub spend_limit: Micros,
    /// Where the limit comes from.
    pub source: LimitSource,
}

/// Which of the candidates holds: see the rule at the top of this file. `None` means no limit.
#[must_use]
pub fn effective_budget(candidates: &[BudgetCandidate]) -> Option<EffectiveBudget> {
    let best = candidates.iter().min_by_key(|candidate| {
        (
            std::cmp::Reverse(candidate.spend_limit),
            candidate.joined_at,
            candidate.group_id,
        )
    })?;
    Some(EffectiveBudget {
        group_id: best.group_id,
        spend_limit: best.spend_limit,
        source: LimitSource::Group,
    })
}

/// An organization of a person, as a place to charge spend to when no budget holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FallbackCandidate {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Whether it is the default organization.
    pub default: bool,
    /// When the person joined it.
    pub joined_at: DateTime<Utc>,
}

/// Which group spend without a budget is charged to: the Everyone group of the default organization, else
/// of the one joined first, else of the smallest id; none for a person without any organization.
#[must_use]
pub fn fallback_group(candidates: &[FallbackCandidate]) -> Option<GroupId> {
    candidates
        .iter()
        .min_by_key(|candidate| {
            (
                !candidate.default,
                candidate.joined_at,
                candidate.organization_id,
            )
        })
        .map(|candidate| candidate.organization_id.everyone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn budget(group: u128, organization: u128, limit: i64, joined: i64) -> BudgetCandidate {
        BudgetCandidate {
            group_id: GroupId(Uuid::from_u128(group)),
            organization_id: OrganizationId(Uuid::from_u128(organization)),
            spend_limit: Micros(limit),
            joined_at: DateTime::from_timestamp(joined, 0).unwrap(),
        }
    }

    #[test]
    fn the_highest_limit_holds_and_ties_go_to_the_organization_joined_first() {
        let check = |candidates: &[BudgetCandidate], expected: Option<(u128, i64)>| {
            let found = effective_budget(candidates);
            let found = found.map(|b| (b.group_id.0.as_u128(), b.spend_limit.0));
            assert_eq!(found, expected, "{candidates:?}");
        };
        check(&[], None);
        check(&[budget(1, 9, 0, 1)], Some((1, 0)));
        check(&[budget(1, 9, 10, 1), budget(2, 9, 50, 1)], Some((2, 50)));
        // Everyone of organization 9 competes like any other group.
        check(&[budget(9, 9, 20, 1), budget(2, 9, 10, 1)], Some((9, 20)));
        check(&[budget(1, 8, 10, 2), budget(2, 9, 10, 1)], Some((2, 10)));
        check(&[budget(2, 9, 10, 1), budget(1, 9, 10, 1)], Some((1, 10)));
    }

    #[test]
    fn spend_without_a_budget_falls_to_an_everyone_group() {
        let place = |organization, default, joined| FallbackCandidate {
            organization_id: OrganizationId(Uuid::from_u128(organization)),
            default,
            joined_at: DateTime::from_timestamp(joined, 0).unwrap(),
        };
        let check = |candidates: &[FallbackCandidate], expected: Option<u128>| {
            assert_eq!(fallback_group(candidates).map(|g| g.0.as_u128()), expected);
        };
        check(&[], None);
        check(&[place(1, false, 1), place(2, true, 5)], Some(2));
        check(&[place(1, false, 3), place(2, false, 2)], Some(2));
        check(&[place(2, false, 2), place(1, false, 2)], Some(1));
    }
}
