//! Budgets in other hands than groups and accounts: what `ai_budget:update` in an organization opens.

use std::sync::Arc;

use model::{
    GroupId, Micros, UserId,
    budgets::{BudgetMode, BudgetOverrideUpsert, GroupBudgetUpsert},
};
use rbac::{Action, Permission, ResourceType, Role, Subject};
use store::StoreError;
use uuid::Uuid;

use super::world::{ANN, BOB, GROUP, OLGA, ORG, OTHER_GROUP, actor, state};
use crate::{Actor, Authorized, WriteUnit, fake::FakeStore};

/// Another organization, with a group of its own.
const FAR: Uuid = Uuid::from_u128(0xfa);
const FAR_GROUP: GroupId = GroupId(Uuid::from_u128(0xf6));

/// Ann as a member of acme with these permissions there and in the deployment.
fn ann(org: &[(ResourceType, Action)], site: &[(ResourceType, Action)]) -> Actor {
    let list = |held: &[(ResourceType, Action)]| {
        let allow =
            |(resource, action): &(ResourceType, Action)| Permission::allow(*resource, *action);
        held.iter().map(allow).collect::<Vec<_>>()
    };
    let here = Role::new("here", "Here").with_org(list(org));
    let everywhere = Role::new("everywhere", "Everywhere").with_site(list(site));
    let subject = Subject::user(ANN.0)
        .member_of(ORG.0)
        .org_role(ORG.0, Arc::new(here))
        .site_role(Arc::new(everywhere));
    Actor {
        subject: Arc::new(subject.prepare()),
        ..actor(ANN, &[])
    }
}

async fn begin(store: &FakeStore, actor: &Actor) -> WriteUnit {
    let authorized = Authorized::new(Arc::new(store.clone()));
    authorized.as_actor(actor.clone()).begin().await.unwrap()
}

fn world() -> FakeStore {
    let store = FakeStore::new(state());
    let mut far = store.state().groups[0].clone();
    far.id = FAR_GROUP;
    far.organization_id = FAR.into();
    store.state().groups.push(far);
    store
}

fn charged_to(group: GroupId) -> BudgetOverrideUpsert {
    BudgetOverrideUpsert {
        group_id: group,
        spend_limit: Micros::USD,
        mode: BudgetMode::Enforce,
        expires_at: None,
    }
}

fn done<T>(outcome: Result<T, StoreError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(error) if error.hidden() => false,
        Err(error) => panic!("{error:?}"),
    }
}

const BUDGETS: (ResourceType, Action) = (ResourceType::AiBudget, Action::Update);
const GROUPS: (ResourceType, Action) = (ResourceType::Group, Action::Update);
const PEOPLE: (ResourceType, Action) = (ResourceType::User, Action::Update);
const SEEING: (ResourceType, Action) = (ResourceType::User, Action::Read);

#[tokio::test]
async fn an_override_takes_both_rights_or_the_one_of_budgets() {
    let check = async |actor: Actor, user: UserId, group: GroupId, set: bool, removed: bool| {
        let store = world();
        let mut unit = begin(&store, &actor).await;
        let outcome = unit
            .budgets()
            .budget_override_upsert(&user.to_string(), &charged_to(group))
            .await;
        assert_eq!(done(outcome), set, "{user} {group}");
        // Bob has one that is charged to the makers.
        let mut unit = begin(&store, &actor).await;
        let outcome = unit.budgets().budget_override_delete("bob").await;
        assert_eq!(done(outcome), removed);
    };
    let both = || ann(&[GROUPS], &[PEOPLE]);
    let delegate = || ann(&[BUDGETS], &[]);
    check(both(), BOB, OTHER_GROUP, true, true).await;
    check(ann(&[GROUPS], &[]), BOB, GROUP, false, false).await;
    check(ann(&[], &[PEOPLE]), BOB, GROUP, false, false).await;
    check(delegate(), BOB, OTHER_GROUP, true, true).await;
    check(delegate(), BOB, ORG.everyone(), false, true).await; // The fake has no Everyone groups.
    // Neither right reaches into another organization.
    check(both(), BOB, FAR_GROUP, false, true).await;
    check(delegate(), BOB, FAR_GROUP, false, true).await;
    // Who manages an organization's budgets learns of nobody outside of it, unless they see people anyway.
    check(delegate(), OLGA, GROUP, false, true).await;
    check(ann(&[BUDGETS], &[SEEING]), OLGA, GROUP, true, true).await;
}

#[tokio::test]
async fn a_replaced_override_takes_the_rights_to_its_own_group_too() {
    let store = world();
    store.state().overrides[0].group_id = FAR_GROUP;
    store.state().overrides[0].organization_id = FAR.into();
    let budget = charged_to(GROUP);
    for actor in [ann(&[GROUPS], &[PEOPLE]), ann(&[BUDGETS], &[])] {
        let mut unit = begin(&store, &actor).await;
        let mut budgets = unit.budgets();
        assert!(!done(budgets.budget_override_upsert("bob", &budget).await));
        assert!(!done(budgets.budget_override_delete("bob").await));
    }
    let everywhere = ann(&[], &[GROUPS, PEOPLE]);
    let mut unit = begin(&store, &everywhere).await;
    let mut budgets = unit.budgets();
    assert!(done(budgets.budget_override_upsert("bob", &budget).await));
}

#[tokio::test]
async fn a_groups_budget_takes_the_right_to_the_group_or_to_budgets() {
    let check = async |actor: Actor, group: GroupId, expected: bool| {
        let mut unit = begin(&world(), &actor).await;
        let budget = GroupBudgetUpsert::limit(Micros::USD);
        let outcome = unit.budgets().group_budget_upsert(group, &budget).await;
        assert_eq!(done(outcome), expected);
        let outcome = unit.budgets().group_budget_delete(group).await;
        assert_eq!(done(outcome), expected);
    };
    check(ann(&[GROUPS], &[]), GROUP, true).await;
    check(ann(&[BUDGETS], &[]), GROUP, true).await;
    check(ann(&[BUDGETS], &[]), FAR_GROUP, false).await;
    check(ann(&[], &[PEOPLE]), GROUP, false).await;
}
