//! Budgets of groups, overrides of people, and what holds for all budgets.

use model::{
    GroupId, Micros,
    budgets::{BudgetMode, BudgetOverrideUpsert, BudgetSettingsUpdate, GroupBudgetUpsert},
};
use rbac::{
    Action::{Read, Update},
    Object, ResourceType,
};

use super::{Case, allow, case};
use crate::tests::world::{ANN, BOB, GROUP, ORG, OTHER_GROUP};

fn charged_to(group: GroupId) -> BudgetOverrideUpsert {
    BudgetOverrideUpsert {
        group_id: group,
        spend_limit: Micros::USD,
        mode: BudgetMode::Enforce,
        expires_at: None,
    }
}

pub(super) fn budgets() -> Vec<Case> {
    let group = |id: GroupId| Object::group(ORG.0, id.0);
    let of_group = || {
        [
            allow(Update, group(GROUP)),
            allow(Update, Object::ai_budget(ORG.0)),
        ]
    };
    let of_override = |user: model::UserId, id: GroupId| {
        [
            allow(Update, Object::user(user.0)),
            allow(Update, group(id)),
            allow(Update, Object::ai_budget(ORG.0)),
        ]
    };
    let replaced = of_override(BOB, OTHER_GROUP).into_iter();
    let replaced: Vec<_> = replaced.chain(of_override(BOB, GROUP)).collect();
    let settings = || Object::new(ResourceType::DeploymentConfig);
    vec![
        case!("group_budget_get", u => u.budgets().group_budget_get(GROUP), [
            allow(Read, group(GROUP)),
        ]),
        case!(
            "group_budget_upsert",
            u => u.budgets().group_budget_upsert(GROUP, &GroupBudgetUpsert::limit(Micros::USD)),
            of_group()
        )
        .ways(&[&[0], &[1]]),
        case!("group_budget_delete", u => u.budgets().group_budget_delete(GROUP), of_group())
            .ways(&[&[0], &[1]]),
        case!("budget_override_get", u => u.budgets().budget_override_get("bob"), [
            allow(Read, Object::user(BOB.0)),
        ]),
        case!("budget_override_get", u => u.budgets().budget_override_get("me"), [
            allow(Read, Object::user(ANN.0)),
        ]),
        case!(
            "budget_override_upsert",
            u => u.budgets().budget_override_upsert("ann", &charged_to(GROUP)),
            of_override(ANN, GROUP)
        )
        .ways(&[&[0, 1], &[2]]),
        // Bob has one that is charged to another group.
        case!(
            "budget_override_upsert",
            u => u.budgets().budget_override_upsert("bob", &charged_to(OTHER_GROUP)),
            replaced
        )
        .ways(&[&[0, 1, 3, 4], &[0, 1, 5], &[2, 3, 4], &[2, 5]]),
        case!(
            "budget_override_delete",
            u => u.budgets().budget_override_delete("bob"),
            of_override(BOB, GROUP)
        )
        .ways(&[&[0, 1], &[2]]),
        case!("budget_settings_get", u => u.budgets().budget_settings_get(), [
            allow(Read, settings()),
        ]),
        case!(
            "budget_settings_update",
            u => u.budgets().budget_settings_update(&BudgetSettingsUpdate::default()),
            [allow(Update, settings())]
        ),
    ]
}
