//! Budgets of groups, overrides of people, and what holds for all budgets.

mod candidates;
mod groups;
mod overrides;
mod settings;

use async_trait::async_trait;
use model::{
    GroupId, UserId,
    budgets::{
        BudgetOverride, BudgetOverrideUpsert, BudgetSettings, BudgetSettingsUpdate, GroupBudget,
        GroupBudgetUpsert,
    },
};
use store::{
    StoreResult,
    budgets::{BudgetRead, BudgetWrite},
};

use crate::unit::{Unit, Writing};

pub(crate) use candidates::{candidates, resolutions};
pub(crate) use settings::{TIME_TO_COUNT, settings};

#[async_trait]
impl<Mode: Send + Sync> BudgetRead for Unit<Mode> {
    async fn group_budget_get(&mut self, group: GroupId) -> StoreResult<Option<GroupBudget>> {
        groups::group_budget_get(self.connection()?, group).await
    }

    async fn budget_override_get(&mut self, user: UserId) -> StoreResult<Option<BudgetOverride>> {
        overrides::budget_override_get(self.connection()?, user).await
    }

    async fn budget_settings_get(&mut self) -> StoreResult<BudgetSettings> {
        settings(self.connection()?).await
    }
}

#[async_trait]
impl BudgetWrite for Unit<Writing> {
    async fn group_budget_upsert(
        &mut self,
        group: GroupId,
        budget: &GroupBudgetUpsert,
    ) -> StoreResult<GroupBudget> {
        groups::group_budget_upsert(self.connection()?, group, budget).await
    }

    async fn group_budget_delete(&mut self, group: GroupId) -> StoreResult<bool> {
        groups::group_budget_delete(self.connection()?, group).await
    }

    async fn budget_override_lock(&mut self, user: UserId) -> StoreResult<Option<BudgetOverride>> {
        overrides::budget_override_lock(self.connection()?, user).await
    }

    async fn budget_override_upsert(
        &mut self,
        user: UserId,
        budget: &BudgetOverrideUpsert,
    ) -> StoreResult<BudgetOverride> {
        overrides::budget_override_upsert(self.connection()?, user, budget).await
    }

    async fn budget_override_delete(&mut self, user: UserId) -> StoreResult<bool> {
        overrides::budget_override_delete(self.connection()?, user).await
    }

    async fn budget_settings_lock(&mut self) -> StoreResult<BudgetSettings> {
        settings::budget_settings_lock(self.connection()?).await
    }

    async fn budget_settings_update(
        &mut self,
        update: &BudgetSettingsUpdate,
    ) -> StoreResult<BudgetSettings> {
        settings::budget_settings_update(self.connection()?, update).await
    }
}
