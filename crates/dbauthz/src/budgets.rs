//! Budgets of groups, overrides of people, and what holds for all budgets.
//!
//! Who may change a group may set its budget, and who may change a person and the group that is charged may set
//! the person's override. Beside that there is a right of its own, `ai_budget:update` in the group's
//! organization, so that budgets can be given into other hands than groups and accounts.

use model::{
    GroupId, OrganizationId, UserId,
    budgets::{
        BudgetOverride, BudgetOverrideUpsert, BudgetSettings, BudgetSettingsUpdate, GroupBudget,
        GroupBudgetUpsert,
    },
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult};

use crate::{
    groups::object,
    rules::{Rule, Shape, rule},
    units::wrapper,
    users::locate,
};

const GROUP_BUDGET: &[&str] = &["group:update", "ai_budget:update"];
const OVERRIDE: &[&str] = &["user:update", "group:update", "ai_budget:update"];

pub(crate) const RULES: &[Rule] = &[
    rule(
        "group_budget_get",
        Shape::Fetch,
        &["group:read"],
        "its own members may, by its ACL",
    ),
    rule(
        "group_budget_upsert",
        Shape::Lock,
        GROUP_BUDGET,
        "either of the two; locks the group",
    ),
    rule(
        "group_budget_delete",
        Shape::Lock,
        GROUP_BUDGET,
        "either of the two; locks the group",
    ),
    rule(
        "budget_override_get",
        Shape::Fetch,
        &["user:read"],
        "the person",
    ),
    rule("budget_override_lock", Shape::Inside, &[], ""),
    rule(
        "budget_override_upsert",
        Shape::Lock,
        OVERRIDE,
        "the first two, or the last in the group's organization, where the person must be a member or be seen by \
         `user:read`; the same for the group of an override that is replaced; locks the group and the override",
    ),
    rule(
        "budget_override_delete",
        Shape::Lock,
        OVERRIDE,
        "the first two, or the last in the group's organization; the group is the one that the override names; \
         locks the override",
    ),
    rule(
        "budget_settings_get",
        Shape::Check,
        &["deployment_config:read"],
        "",
    ),
    rule("budget_settings_lock", Shape::Inside, &[], ""),
    rule(
        "budget_settings_update",
        Shape::Lock,
        &["deployment_config:update"],
        "",
    ),
];

wrapper! {
    /// Budgets, each call authorized.
    Budgets
}

/// Which way led to the right to change an override.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The person and the group may be changed.
    UserAndGroup,
    /// Budgets of the group's organization may be changed.
    Budget,
}

impl<U: ?Sized> Budgets<'_, U> {
    /// Refuses unless the override of this person may be changed, as far as it is charged to this group.
    fn override_changeable(
        &self,
        user: UserId,
        organization: OrganizationId,
        group: GroupId,
    ) -> StoreResult<Way> {
        let user = Object::user(user.0);
        let budget = Object::ai_budget(organization.0);
        let group = Object::group(organization.0, group.0);
        let way = self.gate.check_any(&[
            &[(Action::Update, &user), (Action::Update, &group)],
            &[(Action::Update, &budget)],
        ])?;
        Ok(if way == 0 {
            Way::UserAndGroup
        } else {
            Way::Budget
        })
    }
}

impl<U: store::ReadUnit + ?Sized> Budgets<'_, U> {
    /// A group's budget; `None` when it has none.
    ///
    /// # Errors
    /// `NotFound` for an unknown group, `Denied`.
    pub async fn group_budget_get(&mut self, group: GroupId) -> StoreResult<Option<GroupBudget>> {
        let found = self
            .unit
            .group_get(group)
            .await?
            .ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &object(&found))?;
        self.unit.group_budget_get(group).await
    }

    /// A person's override, expired or not; `None` when there is none. The person is named by id, by username, or
    /// as `me`.
    ///
    /// # Errors
    /// `NotFound` for an unknown person, `Denied`.
    pub async fn budget_override_get(&mut self, user: &str) -> StoreResult<Option<BudgetOverride>> {
        let user = locate(self.gate, self.unit, user).await?;
        self.gate.check(Action::Read, &Object::user(user.id.0))?;
        self.unit.budget_override_get(user.id).await
    }

    /// What holds for all budgets.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn budget_settings_get(&mut self) -> StoreResult<BudgetSettings> {
        let settings = Object::new(ResourceType::DeploymentConfig);
        self.gate.check(Action::Read, &settings)?;
        self.unit.budget_settings_get().await
    }
}

impl<U: store::WriteUnit + ?Sized> Budgets<'_, U> {
    /// Sets a group's budget.
    ///
    /// # Errors
    /// `NotFound` for an unknown group, `Denied`; as [`store::budgets::BudgetWrite::group_budget_upsert`].
    pub async fn group_budget_upsert(
        &mut self,
        group: GroupId,
        budget: &GroupBudgetUpsert,
    ) -> StoreResult<GroupBudget> {
        self.changeable(group).await?;
        self.unit.group_budget_upsert(group, budget).await
    }

    /// Removes a group's budget; whether there was one.
    ///
    /// # Errors
    /// `NotFound` for an unknown group, `Denied`.
    pub async fn group_budget_delete(&mut self, group: GroupId) -> StoreResult<bool> {
        self.changeable(group).await?;
        self.unit.group_budget_delete(group).await
    }

    /// Sets a person's override. The person is named by id, by username, or as `me`.
    ///
    /// # Errors
    /// `NotFound` for an unknown person or group, `Denied`; as
    /// [`store::budgets::BudgetWrite::budget_override_upsert`].
    pub async fn budget_override_upsert(
        &mut self,
        user: &str,
        budget: &BudgetOverrideUpsert,
    ) -> StoreResult<BudgetOverride> {
        let user = locate(self.gate, self.unit, user).await?.id;
        let group = self
            .unit
            .group_lock(budget.group_id)
            .await?
            .ok_or(StoreError::NotFound)?;
        let replaced = self.unit.budget_override_lock(user).await?;
        let way = self.override_changeable(user, group.organization_id, group.id)?;
        if let Some(old) = replaced.filter(|old| old.group_id != group.id) {
            self.override_changeable(user, old.organization_id, old.group_id)?;
        }
        if way == Way::Budget {
            self.known_in(group.organization_id, user).await?;
        }
        self.unit.budget_override_upsert(user, budget).await
    }

    /// Removes a person's override; whether there was one. The person is named by id, by username, or as `me`.
    ///
    /// # Errors
    /// `NotFound` for an unknown person, `Denied`.
    pub async fn budget_override_delete(&mut self, user: &str) -> StoreResult<bool> {
        let user = locate(self.gate, self.unit, user).await?.id;
        let Some(found) = self.unit.budget_override_lock(user).await? else {
            return Ok(false);
        };
        self.override_changeable(user, found.organization_id, found.group_id)?;
        self.unit.budget_override_delete(user).await
    }

    /// Changes what holds for all budgets.
    ///
    /// # Errors
    /// `Denied`; as [`store::budgets::BudgetWrite::budget_settings_update`].
    pub async fn budget_settings_update(
        &mut self,
        update: &BudgetSettingsUpdate,
    ) -> StoreResult<BudgetSettings> {
        let settings = Object::new(ResourceType::DeploymentConfig);
        self.gate.check(Action::Update, &settings)?;
        self.unit.budget_settings_lock().await?;
        self.unit.budget_settings_update(update).await
    }

    async fn changeable(&mut self, group: GroupId) -> StoreResult<()> {
        let found = self
            .unit
            .group_lock(group)
            .await?
            .ok_or(StoreError::NotFound)?;
        let budget = Object::ai_budget(found.organization_id.0);
        let ways: [&[_]; 2] = [
            &[(Action::Update, &object(&found))],
            &[(Action::Update, &budget)],
        ];
        self.gate.check_any(&ways).map(drop)
    }

    /// Who manages the budgets of an organization learns of nobody outside of it.
    async fn known_in(&mut self, organization: OrganizationId, user: UserId) -> StoreResult<()> {
        let member = self.unit.organization_member_get(organization, user);
        if member.await?.is_some() {
            return Ok(());
        }
        self.gate.check(Action::Read, &Object::user(user.0))
    }
}
