//! What no right can do, and what the system actors can, with the engine itself deciding.

use std::sync::Arc;

use model::{
    UserId,
    api_keys::{ApiKeyKind, NewApiKey},
    users::{PasswordHash, UserStatus},
};
use rbac::ScopeSet;
use store::{StoreError, StoreResult};

use super::world::{ANN, BOB, GROUP, OLGA, ORG, OTTO, PROVIDER, actor, name, state};
use crate::{
    Actor, Authorized, SystemActor, WriteUnit,
    fake::{FakeStore, State},
};

async fn begin(store: &FakeStore, actor: Actor) -> WriteUnit {
    Authorized::new(Arc::new(store.clone()))
        .as_actor(actor)
        .begin()
        .await
        .unwrap()
}

/// How a call ended.
#[derive(Debug, PartialEq)]
enum End {
    Done,
    Hidden,
    Role,
    Rule,
}

fn end<T>(result: StoreResult<T>) -> End {
    match result {
        Ok(_) => End::Done,
        Err(StoreError::RoleNotAssignable { .. }) => End::Role,
        Err(StoreError::Refused(_)) => End::Rule,
        Err(error) if error.hidden() => End::Hidden,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn the_right_to_help_people_is_no_way_to_become_the_owner() {
    let store = FakeStore::new(state());
    let hash = PasswordHash("new".to_owned());
    let owner = vec!["owner".to_owned()];
    let mut unit = begin(&store, actor(ANN, &["user-admin"])).await;
    let mut users = unit.users();
    assert_eq!(
        end(users.user_password_update(OLGA, &hash).await),
        End::Role
    );
    assert_eq!(end(users.user_delete(OLGA).await), End::Role);
    assert_eq!(
        end(users.user_status_update(OLGA, UserStatus::Suspended).await),
        End::Role
    );
    assert_eq!(end(users.user_roles_update(OLGA, &[]).await), End::Role);
    assert_eq!(end(users.user_roles_update(BOB, &owner).await), End::Role);
    assert_eq!(end(users.user_roles_update(ANN, &owner).await), End::Rule);
    // Nor a way to the audit log, through an auditor of the site or of an organization.
    assert_eq!(end(users.user_password_update(BOB, &hash).await), End::Role);
    assert_eq!(
        end(users.user_roles_update(BOB, &["nobody".to_owned()]).await),
        End::Role
    );
}

#[tokio::test]
async fn people_with_nothing_above_the_caller_can_be_helped() {
    let plain = State {
        members: Vec::new(),
        ..state()
    };
    let store = FakeStore::new(plain);
    store.state().users[1].roles.clear();
    let hash = PasswordHash("new".to_owned());
    let mut unit = begin(&store, actor(ANN, &["user-admin"])).await;
    assert_eq!(
        end(unit.users().user_password_update(BOB, &hash).await),
        End::Done
    );
    assert_eq!(end(unit.users().user_delete(BOB).await), End::Done);
    unit.commit().await.unwrap();
    assert!(store.state().users.iter().all(|user| user.id != BOB));

    let mut unit = begin(&store, actor(OLGA, &["owner"])).await;
    assert_eq!(
        end(unit
            .users()
            .user_status_update(OTTO, UserStatus::Suspended)
            .await),
        End::Done
    );
}

#[tokio::test]
async fn the_last_active_owner_stays_and_nobody_removes_themself() {
    let mut world = state();
    world.users[3].status = UserStatus::Suspended;
    let store = FakeStore::new(world);
    // Otto was an owner when he signed in, and has been suspended since: his unit is still open.
    let mut unit = begin(&store, actor(OTTO, &["owner"])).await;
    assert_eq!(end(unit.users().user_delete(OLGA).await), End::Rule);
    assert_eq!(
        end(unit.users().user_roles_update(OLGA, &[]).await),
        End::Rule
    );
    assert_eq!(
        end(unit
            .users()
            .user_status_update(OLGA, UserStatus::Suspended)
            .await),
        End::Rule
    );
    assert_eq!(end(unit.users().user_delete(OTTO).await), End::Rule);
    assert_eq!(
        end(unit
            .users()
            .user_status_update(OTTO, UserStatus::Suspended)
            .await),
        End::Rule
    );

    let mut unit = begin(&store, actor(OLGA, &["owner"])).await;
    assert_eq!(end(unit.users().user_delete(OTTO).await), End::Done);
}

#[tokio::test]
async fn a_password_change_ends_the_other_sessions() {
    let store = FakeStore::new(state());
    let hash = PasswordHash("new".to_owned());
    let mut unit = begin(&store, actor(ANN, &[])).await;
    unit.users().user_password_update(ANN, &hash).await.unwrap();
    unit.commit().await.unwrap();
    let state = store.state();
    let left: Vec<_> = state.keys.iter().map(|(key, _)| key.id.as_str()).collect();
    assert_eq!(left, ["annsession", "anntoken00", "bobsession"]);
}

fn key(user_id: UserId, kind: ApiKeyKind, scopes: &[&str], allow_list: &[&str]) -> NewApiKey {
    NewApiKey {
        id: "newtoken00".to_owned(),
        hashed_secret: [1; 32],
        user_id,
        kind,
        token_name: "new".to_owned(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        allow_list: allow_list.iter().map(ToString::to_string).collect(),
        lifetime: chrono::Duration::days(1),
    }
}

#[tokio::test]
async fn a_token_makes_only_tokens_that_it_covers() {
    let group = format!("group:{GROUP}");
    let any = ["*:*"];
    let check = async |own: (&[&str], &[&str]), asked: NewApiKey, expected: End| {
        let scopes = ScopeSet::parse(own.0, Some(own.1)).unwrap();
        let mut actor = actor(ANN, &[]);
        actor.key.scopes = scopes;
        let mut unit = begin(&FakeStore::new(state()), actor).await;
        let result = unit.api_keys().api_key_create(&asked).await;
        assert_eq!(end(result), expected, "{own:?} {asked:?}");
    };
    let token = |scopes: &[&str], allow: &[&str]| key(ANN, ApiKeyKind::Token, scopes, allow);
    check((&["all"], &any), token(&["all"], &any), End::Done).await;
    check(
        (&["all"], &any),
        token(&["group:read"], &[&group]),
        End::Done,
    )
    .await;
    check(
        (&["api_key:*"], &any),
        token(&["api_key:read"], &any),
        End::Done,
    )
    .await;
    check((&["api_key:*"], &any), token(&["all"], &any), End::Rule).await;
    check((&["api_key:*"], &any), token(&[], &any), End::Rule).await;
    check((&["all"], &["api_key:*"]), token(&["all"], &any), End::Rule).await;
    check((&["all"], &any), token(&["nonsense:read"], &any), End::Rule).await;
    let session = key(ANN, ApiKeyKind::Session, &["all"], &any);
    check((&["all"], &any), session, End::Rule).await;
    let others = key(BOB, ApiKeyKind::Token, &["all"], &any);
    check((&["all"], &any), others, End::Hidden).await;
}

#[tokio::test]
async fn removing_a_member_takes_the_right_to_take_its_roles() {
    let store = FakeStore::new(state());
    let admin = format!("organization-user-admin:{ORG}");
    let mut unit = begin(&store, actor(ANN, &[&admin])).await;
    let mut organizations = unit.organizations();
    // Bob reads the audit log of the organization, which a user admin may not.
    assert_eq!(
        end(organizations.organization_member_delete(ORG, BOB).await),
        End::Role
    );
    assert_eq!(
        end(organizations
            .organization_member_roles_update(ORG, BOB, &[])
            .await),
        End::Role
    );
    assert_eq!(
        end(organizations
            .organization_member_roles_update(ORG, ANN, &[])
            .await),
        End::Rule
    );
    assert_eq!(
        end(organizations.organization_member_delete(ORG, ANN).await),
        End::Done
    );
    let mut unit = begin(&store, actor(OLGA, &["owner"])).await;
    let result = unit
        .organizations()
        .organization_member_delete(ORG, BOB)
        .await;
    assert_eq!(end(result), End::Done);
}

#[tokio::test]
async fn members_read_the_budget_of_their_group_and_nobody_else_without_a_right() {
    let store = FakeStore::new(state());
    let check = async |actor: Actor, read: End, write: End| {
        let mut unit = begin(&store, actor).await;
        assert_eq!(end(unit.budgets().group_budget_get(GROUP).await), read);
        assert_eq!(end(unit.budgets().group_budget_delete(GROUP).await), write);
    };
    let (member, admin) = (
        format!("organization-member:{ORG}"),
        format!("organization-admin:{ORG}"),
    );
    check(actor(ANN, &[]), End::Hidden, End::Hidden).await;
    check(actor(ANN, &[&member]), End::Done, End::Hidden).await;
    check(actor(ANN, &[&admin]), End::Done, End::Done).await;
    check(actor(BOB, &["auditor"]), End::Done, End::Hidden).await;
}

#[tokio::test]
async fn each_system_actor_does_its_own_work_and_no_other() {
    let store = FakeStore::new(state());
    let authorized = Authorized::new(Arc::new(store.clone()));
    for actor in SystemActor::ALL {
        let mut unit = authorized.as_system(*actor).begin().await.unwrap();
        let can = |is: SystemActor| if is == *actor { End::Done } else { End::Hidden };
        let keys = unit.presented_keys().key_stamp_get("annsession").await;
        assert_eq!(end(keys), can(SystemActor::Authenticator));
        let secret = unit.provider_keys().provider_key_get(PROVIDER).await;
        assert_eq!(end(secret), can(SystemActor::Gateway));
        // Whoever counts the blocked, or tells of thresholds, may read what was spent, and write none of it.
        let reads = matches!(
            actor,
            SystemActor::LedgerSweeper | SystemActor::Metrics | SystemActor::Alerts
        );
        let read = if reads { End::Done } else { End::Hidden };
        assert_eq!(end(unit.ledger().spend_blocked_count().await), read);
        assert_eq!(end(unit.ledger().ledger_verify().await), read);
        let hash = PasswordHash("new".to_owned());
        assert_eq!(
            end(unit.users().user_password_update(ANN, &hash).await),
            End::Hidden
        );
        assert_eq!(end(unit.users().user_find("me").await), End::Hidden);
    }
}

#[tokio::test]
async fn the_audit_log_learns_who_writes() {
    let store = FakeStore::new(state());
    let authorized = Authorized::new(Arc::new(store.clone()));
    let request = uuid::Uuid::from_u128(9);
    let system = authorized
        .as_system(SystemActor::Authenticator)
        .with_request_id(Some(request));
    system.begin().await.unwrap();
    system
        .on_behalf_of(ANN, &name("ann"))
        .begin()
        .await
        .unwrap();
    authorized.as_actor(actor(BOB, &[])).begin().await.unwrap();
    let seen: Vec<_> = store
        .contexts()
        .into_iter()
        .map(|context| (context.actor_name, context.user_id, context.request_id))
        .collect();
    let expected = [
        ("authenticator".to_owned(), None, Some(request)),
        ("ann".to_owned(), Some(ANN), Some(request)),
        ("bob".to_owned(), Some(BOB), None),
    ];
    assert_eq!(seen, expected);
}
