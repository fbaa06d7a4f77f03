//! Group budgets: part of the group, so its rights are the group's.

use model::{GroupId, Micros, budgets::GroupBudget};
use rbac::Action;
use store::{StoreError, StoreResult};

use crate::{
    groups::object,
    rules::{Rule, Shape, rule},
    units::wrapper,
};

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
        &["group:update"],
        "locks the group",
    ),
    rule(
        "group_budget_delete",
        Shape::Lock,
        &["group:update"],
        "locks the group",
    ),
];

wrapper! {
    /// Group budgets, each call authorized.
    Budgets
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
}

impl<U: store::WriteUnit + ?Sized> Budgets<'_, U> {
    /// Sets a group's budget.
    ///
    /// # Errors
    /// `NotFound` for an unknown group, `Denied`.
    pub async fn group_budget_upsert(
        &mut self,
        group: GroupId,
        spend_limit: Micros,
    ) -> StoreResult<GroupBudget> {
        self.updatable(group).await?;
        self.unit.group_budget_upsert(group, spend_limit).await
    }

    /// Removes a group's budget; whether there was one.
    ///
    /// # Errors
    /// `NotFound` for an unknown group, `Denied`.
    pub async fn group_budget_delete(&mut self, group: GroupId) -> StoreResult<bool> {
        self.updatable(group).await?;
        self.unit.group_budget_delete(group).await
    }

    async fn updatable(&mut self, group: GroupId) -> StoreResult<()> {
        let found = self
            .unit
            .group_lock(group)
            .await?
            .ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Update, &object(&found))
    }
}
