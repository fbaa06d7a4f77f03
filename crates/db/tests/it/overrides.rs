//! Overrides: what is set, left alone and removed, with what it goes, and what the audit log says.

use chrono::{DateTime, Utc};
use db::{Database, local::LocalRole};
use model::{
    Clock, GroupId, Micros, OrganizationId, PageRequest, SystemClock, UserId,
    audit::AuditFilter,
    budgets::{BudgetMode, BudgetOverrideUpsert, GroupBudgetUpsert, LimitSource},
    groups::GroupUpdate,
};
use rbac::Visibility;
use store::{StoreError, WriteUnit};

use crate::support::{TestDb, World, begin, id, new_group, new_organization, read};

const NOT_MEMBER: &str = "user_ai_budget_overrides_must_be_group_member";

/// A person in an organization and in one of its two groups.
pub(crate) struct Team {
    pub(crate) organization: OrganizationId,
    pub(crate) user: UserId,
    pub(crate) team: GroupId,
    pub(crate) other: GroupId,
}

impl Team {
    pub(crate) async fn new(store: &Database) -> Self {
        let World { organization, user } = World::new(store, None).await;
        let (team, other) = (
            new_group("team", organization),
            new_group("other", organization),
        );
        let mut unit = begin(store).await;
        unit.group_create(&team).await.unwrap();
        unit.group_create(&other).await.unwrap();
        unit.commit().await.unwrap();
        let made = Self {
            organization,
            user,
            team: team.id,
            other: other.id,
        };
        made.join(store, team.id).await;
        made
    }

    pub(crate) async fn join(&self, store: &Database, group: GroupId) {
        let mut unit = begin(store).await;
        let join = GroupUpdate {
            add_users: vec![self.user],
            ..GroupUpdate::default()
        };
        unit.group_update(group, &join).await.unwrap();
        unit.commit().await.unwrap();
    }
}

pub(crate) fn charged_to(group: GroupId, micros: i64) -> BudgetOverrideUpsert {
    BudgetOverrideUpsert {
        group_id: group,
        spend_limit: Micros(micros),
        mode: BudgetMode::Enforce,
        expires_at: None,
    }
}

pub(crate) async fn lines(store: &Database) -> Vec<String> {
    let page = PageRequest {
        limit: 1000,
        offset: 0,
    };
    let filter = AuditFilter {
        resource_type: Some("ai_budget".to_owned()),
        ..AuditFilter::default()
    };
    let mut unit = read(store).await;
    let found = unit.audit_list(&filter, page, &Visibility::All).await;
    let mut lines = found.unwrap().items;
    lines.reverse();
    let text = |line: &model::audit::AuditEntry| {
        let changes = line.diff.as_object().unwrap();
        let mut changes: Vec<_> = changes
            .iter()
            .filter(|(field, _)| {
                !["_id", "_at", "_name"]
                    .iter()
                    .any(|end| field.ends_with(end))
            })
            .map(|(field, change)| format!("{field} {}→{}", change["old"], change["new"]))
            .collect();
        changes.sort();
        format!(
            "{:?} {}: {}",
            line.action,
            line.resource_target,
            changes.join(", ")
        )
    };
    lines.iter().map(text).collect()
}

#[tokio::test]
async fn an_override_is_set_left_alone_replaced_and_removed() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Team {
        organization,
        user,
        team,
        ..
    } = Team::new(&store).await;
    assert_eq!(
        read(&store).await.budget_override_get(user).await.unwrap(),
        None
    );
    let set = async |budget: &BudgetOverrideUpsert| {
        let mut unit = begin(&store).await;
        let set = unit.budget_override_upsert(user, budget).await.unwrap();
        unit.commit().await.unwrap();
        let found = read(&store).await.budget_override_get(user).await.unwrap();
        assert_eq!(found, Some(set));
        set
    };
    let first = set(&charged_to(team, 5)).await;
    assert_eq!(
        (first.organization_id, first.updated_at),
        (organization, first.created_at)
    );
    db.shift_time("1 hour").await;
    assert_eq!(set(&charged_to(team, 5)).await, first);
    let later = DateTime::<Utc>::UNIX_EPOCH + chrono::Duration::days(40_000);
    let other = BudgetOverrideUpsert {
        mode: BudgetMode::Observe,
        expires_at: Some(later),
        ..charged_to(organization.everyone(), 7)
    };
    let second = set(&other).await;
    assert_eq!(
        (second.group_id, second.created_at),
        (organization.everyone(), first.created_at)
    );
    assert!(second.updated_at > first.updated_at);

    let mut unit = begin(&store).await;
    assert!(unit.budget_override_delete(user).await.unwrap());
    assert!(!unit.budget_override_delete(user).await.unwrap());
    unit.commit().await.unwrap();
    let expected = [
        "Create ada: mode null→\"enforce\", spend_limit_micros null→5",
        "Write ada: mode \"enforce\"→\"observe\", spend_limit_micros 5→7",
        "Delete ada: mode \"observe\"→null, spend_limit_micros 7→null",
    ];
    assert_eq!(lines(&store).await, expected);
}

#[tokio::test]
async fn who_is_charged_to_a_group_is_in_it() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Team {
        user, team, other, ..
    } = Team::new(&store).await;
    let beta = new_organization("beta");
    let mut unit = begin(&store).await;
    unit.organization_create(&beta).await.unwrap();
    unit.commit().await.unwrap();
    let refused = async |user: UserId, group: GroupId| {
        let mut unit = begin(&store).await;
        let outcome = unit
            .budget_override_upsert(user, &charged_to(group, 1))
            .await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(&error, StoreError::Violated(name) if name == NOT_MEMBER),
            "{error:?}"
        );
    };
    refused(user, other).await;
    refused(user, beta.id.everyone()).await;
    refused(user, GroupId(id())).await;
    refused(UserId(id()), team).await;
    // One that exists does not move to where it may not be.
    let mut unit = begin(&store).await;
    unit.budget_override_upsert(user, &charged_to(team, 1))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    refused(user, other).await;
    let client = db.client(LocalRole::Superuser).await;
    let update = format!(
        "SELECT set_config('bursar.actor_name', 'test', false); \
         UPDATE user_ai_budget_overrides SET group_id = '{other}'"
    );
    let error = client.batch_execute(&update).await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(
        (error.code().code(), error.constraint()),
        ("23514", Some(NOT_MEMBER))
    );
}

type Removal = for<'a> fn(
    &'a mut Box<dyn WriteUnit>,
    &'a Team,
) -> futures_util::future::BoxFuture<'a, Result<(), StoreError>>;

#[tokio::test]
async fn an_override_goes_with_the_membership_and_is_recorded() {
    let leave: Removal = |unit, made| {
        Box::pin(async move {
            let leave = GroupUpdate {
                remove_users: vec![made.user],
                ..GroupUpdate::default()
            };
            unit.group_update(made.team, &leave).await.map(drop)
        })
    };
    let group: Removal = |unit, made| unit.group_delete(made.team);
    let member: Removal =
        |unit, made| unit.organization_member_delete(made.organization, made.user);
    let person: Removal = |unit, made| unit.user_delete(made.user);
    // Whether the override of the team, and of everybody, goes with it.
    let rows = [
        ("leaving the group", leave, true, false),
        ("removing the group", group, true, false),
        ("leaving the organization", member, true, true),
        ("removing the person", person, true, true),
    ];
    for (what, removal, of_team, of_everyone) in rows {
        for (everyone, goes) in [(false, of_team), (true, of_everyone)] {
            let db = TestDb::new().await;
            let store = db.store().await;
            let made = Team::new(&store).await;
            let charged = match everyone {
                true => made.organization.everyone(),
                false => made.team,
            };
            let mut unit = begin(&store).await;
            unit.budget_override_upsert(made.user, &charged_to(charged, 9))
                .await
                .unwrap();
            unit.commit().await.unwrap();
            let before = lines(&store).await.len();
            let mut unit = begin(&store).await;
            removal(&mut unit, &made).await.unwrap();
            unit.commit().await.unwrap();
            let left = read(&store).await.budget_override_get(made.user).await;
            assert_eq!(left.unwrap().is_none(), goes, "{what} {everyone}");
            let gone = &lines(&store).await[before..];
            let line = "Delete ada: mode \"enforce\"→null, spend_limit_micros 9→null".to_owned();
            assert_eq!(gone, if goes { vec![line] } else { vec![] }, "{what}");
        }
    }
}

#[tokio::test]
async fn an_organization_takes_its_overrides_with_it() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let made = Team::new(&store).await;
    let mut unit = begin(&store).await;
    unit.budget_override_upsert(made.user, &charged_to(made.team, 9))
        .await
        .unwrap();
    // The default organization stays, so another one is the default for a moment.
    unit.commit().await.unwrap();
    let client = db.client(LocalRole::Superuser).await;
    let plain = "SELECT set_config('bursar.actor_name', 'test', false); \
        UPDATE organizations SET \"default\" = false";
    client.batch_execute(plain).await.unwrap();
    let mut unit = begin(&store).await;
    unit.organization_delete(made.organization).await.unwrap();
    unit.commit().await.unwrap();
    let left = read(&store).await.budget_override_get(made.user).await;
    assert_eq!(left.unwrap(), None);
}

#[tokio::test]
async fn an_override_holds_until_it_expires() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Team { user, team, .. } = Team::new(&store).await;
    let mut unit = begin(&store).await;
    unit.group_budget_upsert(team, &GroupBudgetUpsert::limit(Micros(5)))
        .await
        .unwrap();
    let override_ = BudgetOverrideUpsert {
        expires_at: Some(SystemClock.now() + chrono::Duration::days(1)),
        ..charged_to(team, 50)
    };
    unit.budget_override_upsert(user, &override_).await.unwrap();
    unit.commit().await.unwrap();
    let check = async |limit, source| {
        let view = read(&store).await.spend_get(user).await.unwrap();
        let budget = view.state.budget.unwrap();
        assert_eq!((budget.spend_limit, budget.source), (Micros(limit), source));
    };
    check(50, LimitSource::UserOverride).await;
    db.shift_time("1 day 1 hour").await;
    check(5, LimitSource::Group).await;
}
