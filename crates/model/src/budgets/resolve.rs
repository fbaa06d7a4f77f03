//! The budget rule: which limit holds for a person, and which group spend is charged to.
//!
//! 1. An **override** that has not expired holds, whatever the person's groups say.
//! 2. Else the deployment's **policy** over the budgets of the person's groups, in all live organizations:
//!    the highest, the lowest, or the sum. Ties go to the organization joined first, then to the smallest
//!    group id. A sum is charged to the group that the highest would be charged to. The Everyone group
//!    competes, or is a default for who has no other ([`EveryoneBudget`]).
//! 3. Else there is **no limit**, and spend is charged to the Everyone group of the default organization, else
//!    of the one joined first, else of the smallest id; to none for a person without an organization.
//!
//! A budget that is only observed changes nothing about what is enforced: the rule is asked twice, once over
//! the enforced ones, once over all as if all were enforced. No budget means no limit; a limit of zero blocks.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{BudgetMode, BudgetPolicy, EveryoneBudget};
use crate::{GroupId, Micros, OrganizationId};

/// A group budget that may hold for a person, with what the choice among several depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetCandidate {
    /// The group that carries it.
    pub group_id: GroupId,
    /// The group's organization.
    pub organization_id: OrganizationId,
    /// The limit for each member.
    pub spend_limit: Micros,
    /// Whether it blocks.
    pub mode: BudgetMode,
    /// When the person joined the organization.
    pub joined_at: DateTime<Utc>,
}

impl BudgetCandidate {
    fn everyone(&self) -> bool {
        self.group_id == self.organization_id.everyone()
    }
}

/// A person's override.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverrideCandidate {
    /// The group that it charges.
    pub group_id: GroupId,
    /// The group's organization.
    pub organization_id: OrganizationId,
    /// The limit.
    pub spend_limit: Micros,
    /// Whether it blocks.
    pub mode: BudgetMode,
    /// From when on it counts for nothing.
    pub expires_at: Option<DateTime<Utc>>,
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

/// Everything that the rule looks at for one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The person's override.
    pub person: Option<OverrideCandidate>,
    /// The budgets of the person's groups.
    pub groups: Vec<BudgetCandidate>,
    /// The person's organizations.
    pub fallbacks: Vec<FallbackCandidate>,
}

/// Where a person's limit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitSource {
    /// The person's own override.
    UserOverride,
    /// A group's budget, or several.
    Group,
}

/// A limit that holds for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectiveBudget {
    /// The group that it charges.
    pub group_id: GroupId,
    /// The limit.
    pub spend_limit: Micros,
    /// Where it comes from.
    pub source: LimitSource,
    /// Whether it blocks.
    pub mode: BudgetMode,
    /// Whether it is made of several groups' budgets.
    pub summed: bool,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It holds.
    Holds,
    /// It is one of those that the sum is made of.
    Summed,
    /// Another one is higher, or lower as the policy wants it, or comes first among equals.
    Outranked,
    /// The Everyone group's, which is a default, while another group has one.
    DefaultNotNeeded,
    /// The person's override stands in for it.
    Overridden,
    /// It is observed only.
    Observed,
    /// It has expired.
    Expired,
}

/// A candidate, and what became of it in deciding what is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Considered {
    /// Where it comes from.
    pub source: LimitSource,
    /// Its group.
    pub group_id: GroupId,
    /// The group's organization.
    pub organization_id: OrganizationId,
    /// Its limit.
    pub spend_limit: Micros,
    /// Whether it blocks.
    pub mode: BudgetMode,
    /// What became of it.
    pub reason: Reason,
}

/// What holds for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The limit that blocks; `None` is no limit.
    pub enforced: Option<EffectiveBudget>,
    /// The limit that would block if every budget were enforced, while some are only observed.
    pub observed: Option<EffectiveBudget>,
    /// The group that spend is charged to.
    pub group_id: Option<GroupId>,
    /// That group's organization.
    pub organization_id: Option<OrganizationId>,
    /// Every candidate, and what became of it.
    pub considered: Vec<Considered>,
}

/// Which limit holds for a person at an instant: see the rule at the top of this file.
#[must_use]
pub fn resolve(
    policy: BudgetPolicy,
    everyone: EveryoneBudget,
    candidates: &Candidates,
    now: DateTime<Utc>,
) -> Resolution {
    let person = candidates.person.filter(|person| !expired(person, now));
    let enforced_person = person.filter(|person| person.mode == BudgetMode::Enforce);
    let enforced_groups: Vec<_> = candidates
        .groups
        .iter()
        .filter(|group| group.mode == BudgetMode::Enforce)
        .copied()
        .collect();
    let enforced = choose(
        (policy, everyone),
        enforced_person,
        &enforced_groups,
        BudgetMode::Enforce,
    );
    let all = choose(
        (policy, everyone),
        person,
        &candidates.groups,
        BudgetMode::Observe,
    );
    let some_observed =
        enforced_person != person || enforced_groups.len() != candidates.groups.len();
    let charged = enforced.or(all);
    Resolution {
        enforced: enforced.map(|chosen| chosen.budget),
        observed: all.filter(|_| some_observed).map(|chosen| chosen.budget),
        group_id: charged.map_or_else(
            || fallback_group(&candidates.fallbacks),
            |chosen| Some(chosen.budget.group_id),
        ),
        organization_id: charged.map_or_else(
            || fallback(&candidates.fallbacks).map(|place| place.organization_id),
            |chosen| Some(chosen.organization_id),
        ),
        considered: considered(policy, everyone, candidates, enforced, now),
    }
}

#[derive(Debug, Clone, Copy)]
struct Chosen {
    budget: EffectiveBudget,
    organization_id: OrganizationId,
}

fn expired(person: &OverrideCandidate, now: DateTime<Utc>) -> bool {
    person.expires_at.is_some_and(|at| at <= now)
}

fn choose(
    (policy, everyone): (BudgetPolicy, EveryoneBudget),
    person: Option<OverrideCandidate>,
    groups: &[BudgetCandidate],
    mode: BudgetMode,
) -> Option<Chosen> {
    if let Some(person) = person {
        return Some(Chosen {
            budget: EffectiveBudget {
                group_id: person.group_id,
                spend_limit: person.spend_limit,
                source: LimitSource::UserOverride,
                mode,
                summed: false,
            },
            organization_id: person.organization_id,
        });
    }
    let competing = || competing(everyone, groups);
    let best = match policy {
        BudgetPolicy::Highest | BudgetPolicy::Sum => competing().min_by_key(|one| highest(one)),
        BudgetPolicy::Lowest => competing().min_by_key(|one| lowest(one)),
    }?;
    let spend_limit = match policy {
        BudgetPolicy::Sum => {
            competing().fold(Micros::ZERO, |sum, one| sum.saturating_add(one.spend_limit))
        }
        BudgetPolicy::Highest | BudgetPolicy::Lowest => best.spend_limit,
    };
    Some(Chosen {
        budget: EffectiveBudget {
            group_id: best.group_id,
            spend_limit,
            source: LimitSource::Group,
            mode,
            summed: policy == BudgetPolicy::Sum && competing().nth(1).is_some(),
        },
        organization_id: best.organization_id,
    })
}

/// The first in the order of "the highest, then the organization joined first, then the smallest id".
fn highest(one: &BudgetCandidate) -> (Reverse<Micros>, DateTime<Utc>, GroupId) {
    (Reverse(one.spend_limit), one.joined_at, one.group_id)
}

fn lowest(one: &BudgetCandidate) -> (Micros, DateTime<Utc>, GroupId) {
    (one.spend_limit, one.joined_at, one.group_id)
}

/// The budgets that take part: an Everyone group's only where it competes, or where there is no other.
fn competing(
    everyone: EveryoneBudget,
    groups: &[BudgetCandidate],
) -> impl Iterator<Item = &BudgetCandidate> {
    let others = groups.iter().any(|one| !one.everyone());
    let left_out = everyone == EveryoneBudget::Default && others;
    groups
        .iter()
        .filter(move |one| !(left_out && one.everyone()))
}

fn considered(
    policy: BudgetPolicy,
    everyone: EveryoneBudget,
    candidates: &Candidates,
    enforced: Option<Chosen>,
    now: DateTime<Utc>,
) -> Vec<Considered> {
    let by_person = enforced.is_some_and(|one| one.budget.source == LimitSource::UserOverride);
    let person = candidates.person.map(|person| Considered {
        source: LimitSource::UserOverride,
        group_id: person.group_id,
        organization_id: person.organization_id,
        spend_limit: person.spend_limit,
        mode: person.mode,
        reason: match person.mode {
            _ if expired(&person, now) => Reason::Expired,
            BudgetMode::Enforce => Reason::Holds,
            BudgetMode::Observe => Reason::Observed,
        },
    });
    let enforcing: Vec<_> = candidates
        .groups
        .iter()
        .filter(|one| one.mode == BudgetMode::Enforce)
        .copied()
        .collect();
    let takes_part =
        |one: &BudgetCandidate| competing(everyone, &enforcing).any(|other| other == one);
    let group = |one: &BudgetCandidate| Considered {
        source: LimitSource::Group,
        group_id: one.group_id,
        organization_id: one.organization_id,
        spend_limit: one.spend_limit,
        mode: one.mode,
        reason: match (one.mode, policy) {
            (BudgetMode::Observe, _) => Reason::Observed,
            _ if by_person => Reason::Overridden,
            _ if !takes_part(one) => Reason::DefaultNotNeeded,
            (_, BudgetPolicy::Sum) => Reason::Summed,
            _ if enforced.is_some_and(|chosen| chosen.budget.group_id == one.group_id) => {
                Reason::Holds
            }
            _ => Reason::Outranked,
        },
    };
    person
        .into_iter()
        .chain(candidates.groups.iter().map(group))
        .collect()
}

fn fallback(candidates: &[FallbackCandidate]) -> Option<&FallbackCandidate> {
    candidates.iter().min_by_key(|candidate| {
        (
            !candidate.default,
            candidate.joined_at,
            candidate.organization_id,
        )
    })
}

/// Which group spend without a budget is charged to: the Everyone group of the default organization, else of
/// the one joined first, else of the smallest id; none for a person without any organization.
#[must_use]
pub fn fallback_group(candidates: &[FallbackCandidate]) -> Option<GroupId> {
    fallback(candidates).map(|place| place.organization_id.everyone())
}

#[cfg(test)]
mod tests;
