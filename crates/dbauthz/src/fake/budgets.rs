//! The fake's budgets.

use async_trait::async_trait;
use model::{
    GroupId, OrganizationId, UserId,
    budgets::{
        BudgetOverride, BudgetOverrideUpsert, BudgetSettings, BudgetSettingsUpdate, GroupBudget,
        GroupBudgetUpsert,
    },
};
use store::{
    StoreError, StoreResult,
    budgets::{BudgetRead, BudgetWrite},
};

use super::{FakeUnit, State};

fn settings(state: &State) -> BudgetSettings {
    let set = &state.budget_settings;
    BudgetSettings {
        policy: set.policy.unwrap_or_default(),
        everyone: set.everyone.unwrap_or_default(),
        period: set.period.unwrap_or_default(),
        time_zone: set.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()),
        alert_thresholds: set.alert_thresholds.clone().unwrap_or_default(),
        changed_at: state.now,
    }
}

fn person(state: &State, user: UserId) -> Option<BudgetOverride> {
    let mut overrides = state.overrides.iter();
    overrides.find(|one| one.user_id == user).copied()
}

#[async_trait]
impl BudgetRead for FakeUnit {
    async fn group_budget_get(&mut self, group: GroupId) -> StoreResult<Option<GroupBudget>> {
        let mut budgets = self.call("group_budget_get").budgets.iter();
        Ok(budgets.find(|budget| budget.group_id == group).cloned())
    }

    async fn budget_override_get(&mut self, user: UserId) -> StoreResult<Option<BudgetOverride>> {
        Ok(person(self.call("budget_override_get"), user))
    }

    async fn budget_settings_get(&mut self) -> StoreResult<BudgetSettings> {
        Ok(settings(self.call("budget_settings_get")))
    }
}

#[async_trait]
impl BudgetWrite for FakeUnit {
    async fn group_budget_upsert(
        &mut self,
        group: GroupId,
        budget: &GroupBudgetUpsert,
    ) -> StoreResult<GroupBudget> {
        let state = self.call("group_budget_upsert");
        let at = state.budgets.iter().position(|one| one.group_id == group);
        let old = at.map(|at| state.budgets.remove(at));
        let old = old.unwrap_or(GroupBudget {
            group_id: group,
            spend_limit: budget.spend_limit,
            mode: budget.mode.unwrap_or_default(),
            pool_limit: None,
            pool_period: None,
            pool_time_zone: None,
            created_at: state.now,
            updated_at: state.now,
        });
        let new = GroupBudget {
            spend_limit: budget.spend_limit,
            mode: budget.mode.unwrap_or(old.mode),
            pool_limit: budget.pool_limit.of(old.pool_limit),
            pool_period: budget.pool_period.of(old.pool_period),
            pool_time_zone: budget.pool_time_zone.clone().of(old.pool_time_zone),
            updated_at: state.now,
            ..old
        };
        state.budgets.push(new.clone());
        Ok(new)
    }

    async fn group_budget_delete(&mut self, group: GroupId) -> StoreResult<bool> {
        let budgets = &mut self.call("group_budget_delete").budgets;
        let before = budgets.len();
        budgets.retain(|budget| budget.group_id != group);
        Ok(budgets.len() < before)
    }

    async fn budget_override_lock(&mut self, user: UserId) -> StoreResult<Option<BudgetOverride>> {
        Ok(person(self.call("budget_override_lock"), user))
    }

    async fn budget_override_upsert(
        &mut self,
        user: UserId,
        budget: &BudgetOverrideUpsert,
    ) -> StoreResult<BudgetOverride> {
        let state = self.call("budget_override_upsert");
        let in_group = |group: &&model::groups::Group| group.id == budget.group_id;
        let group = state.groups.iter().find(in_group);
        let organization_id = match group {
            Some(group) => group.organization_id,
            // An Everyone group has its organization's id.
            None if state
                .organizations
                .iter()
                .any(|o| o.id.everyone() == budget.group_id) =>
            {
                OrganizationId(budget.group_id.0)
            }
            None => return Err(StoreError::NotFound),
        };
        let new = BudgetOverride {
            user_id: user,
            group_id: budget.group_id,
            organization_id,
            spend_limit: budget.spend_limit,
            mode: budget.mode,
            expires_at: budget.expires_at,
            created_at: person(state, user).map_or(state.now, |old| old.created_at),
            updated_at: state.now,
        };
        state.overrides.retain(|one| one.user_id != user);
        state.overrides.push(new);
        Ok(new)
    }

    async fn budget_override_delete(&mut self, user: UserId) -> StoreResult<bool> {
        let overrides = &mut self.call("budget_override_delete").overrides;
        let before = overrides.len();
        overrides.retain(|one| one.user_id != user);
        Ok(overrides.len() < before)
    }

    async fn budget_settings_lock(&mut self) -> StoreResult<BudgetSettings> {
        Ok(settings(self.call("budget_settings_lock")))
    }

    async fn budget_settings_update(
        &mut self,
        update: &BudgetSettingsUpdate,
    ) -> StoreResult<BudgetSettings> {
        let state = self.call("budget_settings_update");
        let set = &mut state.budget_settings;
        set.policy = update.policy.or(set.policy);
        set.everyone = update.everyone.or(set.everyone);
        set.period = update.period.or(set.period);
        set.time_zone = update.time_zone.clone().or_else(|| set.time_zone.take());
        let thresholds = &update.alert_thresholds;
        set.alert_thresholds = thresholds.clone().or_else(|| set.alert_thresholds.take());
        Ok(settings(state))
    }
}
