//! Budgets as the wire shows them.

use bursar_sdk::GroupAiBudget;
use model::budgets::GroupBudget;

pub(crate) fn group_budget(budget: GroupBudget) -> GroupAiBudget {
    GroupAiBudget {
        group_id: budget.group_id.0,
        spend_limit_micros: budget.spend_limit.0,
        created_at: budget.created_at,
        updated_at: budget.updated_at,
    }
}
