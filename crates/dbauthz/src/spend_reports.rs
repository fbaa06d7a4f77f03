//! Reports of what people and groups spent.
//!
//! What an organization's groups were charged is told, person by person, to whoever may read all of its group members;
//! who may read some of them gets those. What another organization gives a member is left out by the rule itself
//! (`model::spend_reports::member_spend`).

use model::{
    GroupId, OrganizationId, PageRequest, UserId,
    spend_reports::{
        GroupSpendReport, MemberSpendReport, SpendExportFilter, SpendUserFilter, UserSpendReport,
    },
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult, spend_reports::SpendExportSink};

use crate::{
    groups::object,
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const EVERYBODY: &str = "all members of the organization's groups";

pub(crate) const RULES: &[Rule] = &[
    rule(
        "group_spend_get",
        Shape::Fetch,
        &["group:read"],
        "its own members may, by its ACL",
    ),
    rule(
        "organization_group_spend_list",
        Shape::Visibility,
        &["group:read"],
        "",
    ),
    rule(
        "group_member_spend_list",
        Shape::Visibility,
        &["group:read", "group_member:read"],
        "fetches and checks the group first",
    ),
    rule(
        "spend_export",
        Shape::Check,
        &["group_member:read"],
        EVERYBODY,
    ),
    rule(
        "spend_user_list",
        Shape::Check,
        &["group_member:read"],
        EVERYBODY,
    ),
];

wrapper! {
    /// Reports of what people and groups spent, each call authorized.
    SpendReports
}

impl<U: ?Sized> SpendReports<'_, U> {
    /// Refuses unless every member of the organization's groups may be read.
    fn check_everybody(&self, organization: OrganizationId) -> StoreResult<()> {
        let everybody = Object::new(ResourceType::GroupMember).in_org(organization.0);
        self.gate.check(Action::Read, &everybody)
    }
}

impl<U: store::ReadUnit + ?Sized> SpendReports<'_, U> {
    /// What was charged to a group in the present period: a report of one group.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn group_spend_get(&mut self, group: GroupId) -> StoreResult<GroupSpendReport> {
        self.readable(group).await?;
        let report = self.unit.group_spend_get(group).await?;
        if report.groups.is_empty() {
            return Err(StoreError::NotFound);
        }
        Ok(report)
    }

    /// The same for those of these groups that are the organization's and that the caller may read, by id.
    ///
    /// # Errors
    /// None of its own.
    pub async fn organization_group_spend_list(
        &mut self,
        organization: OrganizationId,
        groups: &[GroupId],
    ) -> StoreResult<GroupSpendReport> {
        let visibility = self.gate.readable(ResourceType::Group);
        self.unit
            .organization_group_spend_list(organization, groups, &visibility)
            .await
    }

    /// Those of these people who are in the group and whom the caller may see as members, by id.
    ///
    /// # Errors
    /// `NotFound` for an unknown group, `Denied`.
    pub async fn group_member_spend_list(
        &mut self,
        group: GroupId,
        users: &[UserId],
    ) -> StoreResult<MemberSpendReport> {
        self.readable(group).await?;
        let visibility = self.gate.readable(ResourceType::GroupMember);
        self.unit
            .group_member_spend_list(group, users, &visibility)
            .await
    }

    /// Everything that was charged to groups of an organization in a period.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn spend_export(
        &mut self,
        filter: &SpendExportFilter,
        sink: &mut dyn SpendExportSink,
    ) -> StoreResult<()> {
        self.check_everybody(filter.organization_id)?;
        self.unit.spend_export(filter, sink).await
    }

    /// A page of the people by whom groups of an organization were charged in a period.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn spend_user_list(
        &mut self,
        filter: &SpendUserFilter,
        page: PageRequest,
    ) -> StoreResult<UserSpendReport> {
        self.check_everybody(filter.organization_id)?;
        self.unit.spend_user_list(filter, page).await
    }

    async fn readable(&mut self, group: GroupId) -> StoreResult<()> {
        let found = self.unit.group_get(group).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &object(&found))
    }
}
