//! Signing in and out.

use chrono::Duration;
use model::{api_keys::ApiKeyKind, users::UserStatus};

use super::{ANN, BOB, PASSWORD, ROBOT, world};
use crate::{LoginError, login, logout};

const INCORRECT: &str = "Incorrect email or password.";

#[tokio::test]
async fn the_right_password_makes_a_session_of_a_day() {
    let world = world().await;
    let id = Some(uuid::Uuid::from_u128(7));
    let made = login(&world.auth, "Ann@Example.com", PASSWORD, id)
        .await
        .unwrap();
    assert_eq!((made.user_id, made.key.user_id), (ANN, ANN));
    assert_eq!(made.key.kind, ApiKeyKind::Session);
    assert_eq!(
        made.key.expires_at,
        made.key.created_at + Duration::hours(24)
    );
    assert_eq!(world.caller(&made.token).await.user_id, ANN);
    assert!(world.store.state().users[0].last_seen_at.is_some());
    let contexts = world.store.contexts();
    let names: Vec<_> = contexts
        .iter()
        .map(|c| (c.actor_name.as_str(), c.request_id))
        .collect();
    assert_eq!(names, [("ann", id)], "the audit log names the person");
}

#[tokio::test]
async fn wrong_and_unknown_are_answered_alike() {
    let world = world().await;
    let rows = [
        ("ann@example.com", "wrong horse"),
        ("ann@example.com", ""),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        // Its password may be right, but it does not sign in by one.
        ("robot@example.com", PASSWORD),
    ];
    for (email, password) in rows {
        let error = login(&world.auth, email, password, None).await.unwrap_err();
        assert!(
            matches!(error, LoginError::Incorrect),
            "{email} {password} {error:?}"
        );
        assert_eq!(error.message(), INCORRECT);
    }
    assert_eq!(world.key_ids().len(), 0);
    assert!(world.store.state().hashes.contains_key(&ROBOT));
}

#[tokio::test]
async fn a_suspended_account_is_told_so_only_after_the_right_password() {
    let world = world().await;
    world.store.state().users[0].status = UserStatus::Suspended;
    let right = login(&world.auth, "ann@example.com", PASSWORD, None)
        .await
        .unwrap_err();
    assert!(matches!(right, LoginError::Suspended), "{right:?}");
    let wrong = login(&world.auth, "ann@example.com", "wrong horse", None)
        .await
        .unwrap_err();
    assert_eq!(wrong.message(), INCORRECT);
}

#[tokio::test]
async fn guessing_is_slowed_down_even_when_the_last_guess_is_right() {
    let world = world().await;
    for _ in 0..10 {
        let error = login(&world.auth, "ann@example.com", "wrong horse", None)
            .await
            .unwrap_err();
        assert!(matches!(error, LoginError::Incorrect), "{error:?}");
    }
    let error = login(&world.auth, "ANN@example.com", PASSWORD, None)
        .await
        .unwrap_err();
    let LoginError::TooMany { retry_after } = error else {
        panic!("{error:?}")
    };
    assert_eq!(retry_after.as_secs(), 300);
    world.sign_in(BOB).await;
}

#[tokio::test]
async fn signing_out_ends_the_presented_key_alone() {
    let world = world().await;
    let (one, other) = (world.sign_in(ANN).await, world.sign_in(ANN).await);
    let (one, other) = (world.caller(&one).await, world.caller(&other).await);
    logout(&one).await.unwrap();
    assert_eq!(world.key_ids(), [other.key_id]);
    assert!(logout(&one).await.unwrap_err().hidden());
}
