//! The fake's spend reports: the groups and people that there are, none of whom spent anything.

use std::ops::ControlFlow;

use async_trait::async_trait;
use model::{
    GroupId, Micros, OrganizationId, PageRequest, UserId,
    spend::Period,
    spend_reports::{
        GroupSpend, GroupSpendReport, MemberSpend, MemberSpendReport, SpendExportFilter,
        SpendUserFilter, UserSpendReport,
    },
};
use rbac::{Object, Visibility};
use store::{
    StoreResult,
    spend_reports::{SpendExportSink, SpendReportRead, SpendReportWrite},
};

use super::{FakeUnit, State};

fn period(state: &State) -> Period {
    Period {
        start: state.now,
        end: state.now + chrono::Duration::days(30),
    }
}

/// The report about the groups that a test admits.
fn report(state: &State, admits: impl Fn(GroupId, OrganizationId) -> bool) -> GroupSpendReport {
    let admitted = state
        .groups
        .iter()
        .filter(|group| admits(group.id, group.organization_id));
    let groups = admitted.map(|group| GroupSpend {
        group_id: group.id,
        spend_limit: None,
        total_spend_limit: None,
        spent: Micros::ZERO,
        pool: None,
    });
    GroupSpendReport {
        period: period(state),
        groups: groups.collect(),
    }
}

#[async_trait]
impl SpendReportRead for FakeUnit {
    async fn group_spend_get(&mut self, group: GroupId) -> StoreResult<GroupSpendReport> {
        Ok(report(self.call("group_spend_get"), |id, _| id == group))
    }

    async fn organization_group_spend_list(
        &mut self,
        organization: OrganizationId,
        groups: &[GroupId],
        visibility: &Visibility,
    ) -> StoreResult<GroupSpendReport> {
        let state = self.call("organization_group_spend_list");
        Ok(report(state, |id, of| {
            let visible = visibility.matches(&Object::group(of.0, id.0));
            of == organization && groups.contains(&id) && visible
        }))
    }

    async fn group_member_spend_list(
        &mut self,
        group: GroupId,
        users: &[UserId],
        visibility: &Visibility,
    ) -> StoreResult<MemberSpendReport> {
        let state = self.call("group_member_spend_list");
        let admitted = state.group_members.iter().filter(|member| {
            let object = Object::group_member(member.organization_id.0, member.user_id.0);
            let wanted = member.group_id == group && users.contains(&member.user_id);
            wanted && visibility.matches(&object)
        });
        let members = admitted.map(|member| MemberSpend {
            user_id: member.user_id,
            effective_group_id: Some(group),
            effective_budget: None,
            group_budget: None,
            group_spent: Micros::ZERO,
        });
        Ok(MemberSpendReport {
            members: members.collect(),
            period: period(state),
        })
    }

    async fn spend_export(
        &mut self,
        filter: &SpendExportFilter,
        sink: &mut dyn SpendExportSink,
    ) -> StoreResult<()> {
        let present = period(self.call("spend_export"));
        let flow = sink.begin(filter.period.unwrap_or(present)).await;
        match flow {
            ControlFlow::Continue(()) | ControlFlow::Break(()) => Ok(()), // There are no rows.
        }
    }

    async fn spend_user_list(
        &mut self,
        filter: &SpendUserFilter,
        _page: PageRequest,
    ) -> StoreResult<UserSpendReport> {
        let present = period(self.call("spend_user_list"));
        Ok(UserSpendReport {
            period: filter.period.unwrap_or(present),
            users: Vec::new(),
            count: 0,
            cost: Micros::ZERO,
            unpriced: 0,
        })
    }
}

#[async_trait]
impl SpendReportWrite for FakeUnit {}
