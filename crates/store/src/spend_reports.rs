//! Reports of what people and groups spent.

use std::ops::ControlFlow;

use async_trait::async_trait;
use model::{
    GroupId, OrganizationId, PageRequest, UserId,
    spend::Period,
    spend_reports::{
        GroupSpendReport, MemberSpendReport, SpendExportFilter, SpendExportRow, SpendUserFilter,
        UserSpendReport,
    },
};
use rbac::Visibility;

use crate::StoreResult;

/// Takes an export as it is read. What it has not taken yet is not read: it decides how fast an export goes, and ends
/// one by breaking off.
#[async_trait]
pub trait SpendExportSink: Send {
    /// The first rows are there. Called once, before any row.
    async fn begin(&mut self, period: Period) -> ControlFlow<()>;
    /// Some rows, a bounded number, in their order.
    async fn rows(&mut self, rows: Vec<SpendExportRow>) -> ControlFlow<()>;
}

/// Reads reports of what people and groups spent.
#[async_trait]
pub trait SpendReportRead: Send {
    /// What was charged to a group in the present period; no row when there is no such group.
    async fn group_spend_get(&mut self, group: GroupId) -> StoreResult<GroupSpendReport>;
    /// The same for those of these groups that are the organization's and visible, by id.
    async fn organization_group_spend_list(
        &mut self,
        organization: OrganizationId,
        groups: &[GroupId],
        visibility: &Visibility,
    ) -> StoreResult<GroupSpendReport>;
    /// Those of these people who are in the group and visible, by id.
    async fn group_member_spend_list(
        &mut self,
        group: GroupId,
        users: &[UserId],
        visibility: &Visibility,
    ) -> StoreResult<MemberSpendReport>;
    /// Everything that was charged to groups of an organization in a period, as of one instant, by username, group,
    /// model and provider. Ends well when the sink breaks off.
    async fn spend_export(
        &mut self,
        filter: &SpendExportFilter,
        sink: &mut dyn SpendExportSink,
    ) -> StoreResult<()>;
    /// A page of the people by whom groups of an organization were charged in a period: by cost, the greatest first,
    /// then by username and id.
    async fn spend_user_list(
        &mut self,
        filter: &SpendUserFilter,
        page: PageRequest,
    ) -> StoreResult<UserSpendReport>;
}

/// Changes nothing: reports only read.
#[async_trait]
pub trait SpendReportWrite: SpendReportRead {}
