//! Group budgets.

use async_trait::async_trait;
use model::{GroupId, Micros, budgets::GroupBudget};

use crate::StoreResult;

/// Reads budgets.
#[async_trait]
pub trait BudgetRead: Send {
    /// A group's budget.
    async fn group_budget_get(&mut self, group: GroupId) -> StoreResult<Option<GroupBudget>>;
}

/// Sets and removes budgets.
#[async_trait]
pub trait BudgetWrite: BudgetRead {
    /// Sets a group's budget: one that exists keeps its `created_at`.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when the group does not exist any more.
    async fn group_budget_upsert(
        &mut self,
        group: GroupId,
        spend_limit: Micros,
    ) -> StoreResult<GroupBudget>;
    /// Removes a group's budget; whether there was one.
    async fn group_budget_delete(&mut self, group: GroupId) -> StoreResult<bool>;
}
