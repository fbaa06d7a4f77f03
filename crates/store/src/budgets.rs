//! Budgets of groups, overrides of people, and what holds for all budgets.

use async_trait::async_trait;
use model::{
    GroupId, UserId,
    budgets::{
        BudgetOverride, BudgetOverrideUpsert, BudgetSettings, BudgetSettingsUpdate, GroupBudget,
        GroupBudgetUpsert,
    },
};

use crate::StoreResult;

/// Reads budgets.
#[async_trait]
pub trait BudgetRead: Send {
    /// A group's budget.
    async fn group_budget_get(&mut self, group: GroupId) -> StoreResult<Option<GroupBudget>>;
    /// A person's override, expired or not.
    async fn budget_override_get(&mut self, user: UserId) -> StoreResult<Option<BudgetOverride>>;
    /// What holds for all budgets.
    async fn budget_settings_get(&mut self) -> StoreResult<BudgetSettings>;
}

/// Sets and removes budgets. Setting what is set already changes nothing, `updated_at` included.
#[async_trait]
pub trait BudgetWrite: BudgetRead {
    /// Sets a group's budget: one that exists keeps its `created_at`.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when the group does not exist any more;
    /// [`crate::StoreError::Violated`] with `group_ai_budgets_pool_time_zone_check` for an unknown zone.
    async fn group_budget_upsert(
        &mut self,
        group: GroupId,
        budget: &GroupBudgetUpsert,
    ) -> StoreResult<GroupBudget>;
    /// Removes a group's budget; whether there was one.
    async fn group_budget_delete(&mut self, group: GroupId) -> StoreResult<bool>;
    /// A person's override, its row locked until the unit ends, and the account kept from being removed.
    async fn budget_override_lock(&mut self, user: UserId) -> StoreResult<Option<BudgetOverride>>;
    /// Sets a person's override: one that exists keeps its `created_at`.
    ///
    /// # Errors
    /// [`crate::StoreError::Violated`] with `user_ai_budget_overrides_must_be_group_member` when the person
    /// is not in the group.
    async fn budget_override_upsert(
        &mut self,
        user: UserId,
        budget: &BudgetOverrideUpsert,
    ) -> StoreResult<BudgetOverride>;
    /// Removes a person's override; whether there was one.
    async fn budget_override_delete(&mut self, user: UserId) -> StoreResult<bool>;
    /// What holds for all budgets, the row locked until the unit ends.
    async fn budget_settings_lock(&mut self) -> StoreResult<BudgetSettings>;
    /// Changes what holds for all budgets. Spend is counted anew when the period or the zone changes.
    ///
    /// # Errors
    /// [`crate::StoreError::Violated`] with `ai_budget_settings_time_zone_check` for an unknown zone.
    async fn budget_settings_update(
        &mut self,
        update: &BudgetSettingsUpdate,
    ) -> StoreResult<BudgetSettings>;
}
