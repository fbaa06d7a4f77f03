//! Acting for somebody without a key of theirs.

use std::time::Duration;

use model::users::UserStatus;
use rbac::{Action, Object};

use super::{ANN, BOB, ORG, World, world};
use crate::{AccessHint, AuthError, Caller, Revoked, caller_renew, on_behalf_of};

async fn bob(world: &World) -> Caller {
    on_behalf_of(&world.auth, BOB, ORG, None).await.unwrap()
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(20), work).await;
    done.expect("it came in time")
}

#[tokio::test]
async fn it_has_the_persons_rights_as_far_as_the_work_takes_them() {
    let world = world().await;
    let bob = bob(&world).await;
    assert_eq!((bob.user_id, bob.username.as_str()), (BOB, "bob"));
    let may = |action, object: Object| bob.store.subject().allows(action, &object);
    assert!(may(Action::Use, Object::ai_provider(None)));
    // As an auditor and administrator of the organization he may, but not here.
    assert!(!may(Action::Read, Object::user(ANN.0)));
    assert!(!may(Action::Update, Object::organization(ORG.0)));
    assert!(!bob.admin_mode.active);
}

#[tokio::test]
async fn nobody_is_acted_for_who_could_not_act_there() {
    let world = world().await;
    let check = async |user, expected: &str| {
        let refused = on_behalf_of(&world.auth, user, ORG, None).await;
        assert_eq!(refused.unwrap_err().to_string(), expected);
    };
    check(ANN, &AuthError::NotMember.to_string()).await;
    check(model::UserId(ORG.0), &AuthError::Invalid.to_string()).await;
    let change = |status| {
        let mut state = world.store.state();
        let bob = state.users.iter_mut().find(|user| user.id == BOB);
        bob.unwrap().status = status;
    };
    change(UserStatus::Suspended);
    check(BOB, &AuthError::Suspended.to_string()).await;
    change(UserStatus::Active);
    assert!(on_behalf_of(&world.auth, BOB, ORG, None).await.is_ok());
}

#[tokio::test]
async fn it_ends_with_the_account_and_changes_with_the_membership() {
    let world = world().await;
    let hub = world.auth.access.clone();
    let looking = tokio::spawn(hub.clone().run(Duration::from_secs(3_600)));
    let token = world.sign_in(ANN).await;
    // A key is looked at beside it.
    let ann = hub.watch(&world.caller(&token).await);
    let caller = bob(&world).await;
    let mut guard = hub.watch(&caller);
    world.store.state().members.clear();
    hub.hint(AccessHint::Everybody);
    assert_eq!(soon(guard.changed()).await, Ok(()));
    let again = caller_renew(&world.auth, &caller).await.unwrap_err();
    assert!(matches!(again, AuthError::NotMember), "{again:?}");
    world.store.state().users.retain(|user| user.id != BOB);
    hub.hint(AccessHint::Subject(BOB.0));
    assert_eq!(soon(guard.revoked()).await, Revoked::Gone);
    assert_eq!(ann.standing(), Ok(()));
    looking.abort();
}
