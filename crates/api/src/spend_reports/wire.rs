//! Reports as the wire shows them.

use bursar_sdk::{
    AiSpendTotals, AiSpendUser, GroupAiSpend, GroupMemberAiSpend, GroupMembersAiSpend,
    OrganizationAiSpendUsers, OrganizationGroupAiSpend, OrganizationGroupsAiSpend,
};
use model::{
    Micros,
    spend_reports::{
        GroupSpend, GroupSpendReport, MemberSpend, MemberSpendReport, UserSpend, UserSpendReport,
    },
};

use crate::spend::{budget, pool};

fn micros(amount: Option<Micros>) -> Option<i64> {
    amount.map(|amount| amount.0)
}

/// The one group of a report.
pub(super) fn group(report: &GroupSpendReport) -> Option<GroupAiSpend> {
    let group = report.groups.first()?;
    Some(GroupAiSpend {
        period_start: report.period.start,
        period_end: report.period.end,
        group_id: group.group_id.0,
        spend_limit_micros: micros(group.spend_limit),
        total_spend_limit_micros: micros(group.total_spend_limit),
        current_spend_micros: group.spent.0,
        pool: group.pool.as_ref().map(pool),
    })
}

pub(super) fn groups(report: &GroupSpendReport) -> OrganizationGroupsAiSpend {
    let one = |group: &GroupSpend| OrganizationGroupAiSpend {
        group_id: group.group_id.0,
        spend_limit_micros: micros(group.spend_limit),
        total_spend_limit_micros: micros(group.total_spend_limit),
        current_spend_micros: group.spent.0,
        pool: group.pool.as_ref().map(pool),
    };
    OrganizationGroupsAiSpend {
        period_start: report.period.start,
        period_end: report.period.end,
        groups: report.groups.iter().map(one).collect(),
    }
}

pub(super) fn members(report: &MemberSpendReport) -> GroupMembersAiSpend {
    let one = |member: &MemberSpend| GroupMemberAiSpend {
        user_id: member.user_id.0,
        effective_group_id: member.effective_group_id.map(|id| id.0),
        effective_budget: member.effective_budget.map(budget),
        group_budget: member.group_budget.map(budget),
        group_spend_micros: member.group_spent.0,
    };
    GroupMembersAiSpend {
        period_start: report.period.start,
        period_end: report.period.end,
        members: report.members.iter().map(one).collect(),
    }
}

pub(super) fn users(report: UserSpendReport) -> OrganizationAiSpendUsers {
    let one = |user: UserSpend| AiSpendUser {
        user_id: user.user_id.0,
        username: user.username,
        cost_micros: user.cost.0,
        unpriced_usage_count: user.unpriced,
        providers: user.providers,
        clients: user.clients,
        models: user.models,
    };
    OrganizationAiSpendUsers {
        period_start: report.period.start,
        period_end: report.period.end,
        count: report.count,
        totals: AiSpendTotals {
            cost_micros: report.cost.0,
            unpriced_usage_count: report.unpriced,
        },
        users: report.users.into_iter().map(one).collect(),
    }
}
