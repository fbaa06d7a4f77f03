//! The first account, and changing passwords.

use std::{num::NonZeroUsize, sync::Arc};

use model::users::UserStatus;

use super::{ANN, BOB, ORG, PASSWORD, World, empty, world};
use crate::{
    FirstUser, PasswordUpdateError, Passwords, SetupError, first_user_create, first_user_exists,
    login, password_update,
};

const NEW: &str = "battery staple";

fn first(password: &str) -> FirstUser {
    FirstUser {
        email: "ada@example.com".parse().unwrap(),
        username: "ada".parse().unwrap(),
        name: "Ada".to_owned(),
        password: password.into(),
    }
}

#[tokio::test]
async fn the_first_account_is_an_owner_and_there_is_one_first() {
    let world = empty();
    assert!(!first_user_exists(&world.auth).await.unwrap());
    let short = first_user_create(&world.auth, first("short"), None)
        .await
        .unwrap_err();
    assert_eq!(
        short.to_string(),
        "the password must have at least 8 characters"
    );
    assert!(matches!(short, SetupError::Policy(_)));

    let (user, organization) = first_user_create(&world.auth, first(PASSWORD), None)
        .await
        .unwrap();
    assert!(first_user_exists(&world.auth).await.unwrap());
    {
        let state = world.store.state();
        assert_eq!(state.users[0].id, user);
        assert_eq!(state.users[0].roles, ["owner"]);
        assert_eq!(state.users[0].status, UserStatus::Active);
        assert_eq!(state.organizations[0].id, organization);
        assert_eq!(state.organizations[0].name.as_str(), "main");
        assert!(state.organizations[0].default);
        assert_eq!(state.members[0].user_id, user);
    }
    let made = login(&world.auth, "ada@example.com", PASSWORD, None)
        .await
        .unwrap();
    assert_eq!(made.user_id, user);

    let again = first_user_create(&world.auth, first(PASSWORD), None)
        .await
        .unwrap_err();
    assert!(matches!(again, SetupError::AlreadyDone));
    let names: Vec<_> = world
        .store
        .contexts()
        .into_iter()
        .map(|c| c.actor_name)
        .collect();
    assert_eq!(names, ["setup", "ada"]);
    let calls = world.store.calls();
    let position = |name| calls.iter().rposition(|call| *call == name).unwrap();
    assert!(position("first_user_lock") < position("user_create"));
}

async fn change(
    world: &World,
    own: bool,
    old: Option<&str>,
    new: &str,
) -> Result<(), PasswordUpdateError> {
    let caller = world.caller(&world.sign_in(ANN).await).await;
    let user = if own { ANN } else { BOB };
    password_update(&world.auth, &caller, user, old, new).await
}

#[tokio::test]
async fn ones_own_password_is_changed_with_the_old_one() {
    let world = world().await;
    let check = async |old, new, expected: &str| {
        let error = change(&world, true, old, new).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(None, NEW, "the old password is required").await;
    check(Some("wrong horse"), NEW, "the old password is incorrect").await;
    check(
        Some(PASSWORD),
        PASSWORD,
        "the new password cannot match the old one",
    )
    .await;
    check(
        Some(PASSWORD),
        "short",
        "the new password must have at least 8 characters",
    )
    .await;

    let before = world.key_ids();
    assert_eq!(before.len(), 4);
    change(&world, true, Some(PASSWORD), NEW).await.unwrap();
    let left = world.key_ids();
    assert_eq!(left.len(), 1, "the session that changed it is left");
    assert!(!before.contains(&left[0]));
    assert!(
        login(&world.auth, "ann@example.com", PASSWORD, None)
            .await
            .is_err()
    );
    assert!(
        login(&world.auth, "ann@example.com", NEW, None)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_old_password_cannot_be_guessed_from_a_session() {
    let world = world().await;
    let caller = world.caller(&world.sign_in(ANN).await).await;
    for _ in 0..10 {
        let tried = password_update(&world.auth, &caller, ANN, Some("wrong horse"), NEW).await;
        assert!(matches!(tried, Err(PasswordUpdateError::OldIncorrect)));
    }
    let tried = password_update(&world.auth, &caller, ANN, Some(PASSWORD), NEW).await;
    assert!(matches!(tried, Err(PasswordUpdateError::TooMany { .. })));
}

#[tokio::test]
async fn somebody_elses_password_takes_the_right() {
    let world = world().await;
    let error = change(&world, false, None, NEW).await.unwrap_err();
    let PasswordUpdateError::Store(error) = error else {
        panic!("{error:?}")
    };
    assert!(error.hidden());
    world.store.state().users[0].roles = vec!["owner".to_owned()];
    change(&world, false, None, NEW).await.unwrap();
    assert!(
        login(&world.auth, "bob@example.com", NEW, None)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn many_sign_in_at_once_and_none_waits_forever() {
    let mut world = world().await;
    world.auth.passwords = Passwords::new(NonZeroUsize::MIN);
    let world = Arc::new(world);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let world = Arc::clone(&world);
        tasks.spawn(async move { world.sign_in(BOB).await });
    }
    assert_eq!(tasks.join_all().await.len(), 4);
    assert_eq!(world.store.state().organizations.len(), 1);
    assert_eq!(world.store.state().members[0].organization_id, ORG);
}
