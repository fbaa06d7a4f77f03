//! Putting a session into admin mode, and out of it.

use chrono::Duration;
use model::users::UserStatus;
use rbac::ScopeSet;
use secrecy::SecretString;

use super::{ANN, BOB, PASSWORD, World, world};
use crate::{
    ADMIN_MODE_LIFETIME, AdminMode, AdminModeError, CreatedToken, NewToken, admin_mode_begin,
    admin_mode_end, logout, password_update, token_create,
};

const OUT: AdminMode = AdminMode {
    active: false,
    until: None,
};

async fn mode(world: &World, token: &SecretString) -> AdminMode {
    let caller = world.caller(token).await;
    assert_eq!(
        caller.store.actor().key.admin_mode,
        caller.admin_mode.active
    );
    caller.admin_mode
}

async fn enter(world: &World, token: &SecretString) -> Result<AdminMode, AdminModeError> {
    let caller = world.caller(token).await;
    admin_mode_begin(&world.auth, &caller, Some(PASSWORD)).await
}

async fn minted(
    world: &World,
    by: &SecretString,
    scopes: &[&str],
) -> store::StoreResult<CreatedToken> {
    let caller = world.caller(by).await;
    let token = NewToken {
        user_id: caller.user_id,
        token_name: format!("t{}", world.key_ids().len()).parse().unwrap(),
        lifetime: Duration::days(7),
        scopes: ScopeSet::parse(scopes, None::<&[&str]>).unwrap(),
    };
    token_create(&caller, token).await
}

#[tokio::test]
async fn a_session_is_in_admin_mode_by_its_password_for_a_while() {
    let world = world().await;
    let (one, other) = (world.sign_in(ANN).await, world.sign_in(ANN).await);
    assert_eq!(mode(&world, &one).await, OUT);
    let begun = enter(&world, &one).await.unwrap();
    let until = world.store.state().now + ADMIN_MODE_LIFETIME;
    let inside = AdminMode {
        active: true,
        until: Some(until),
    };
    assert_eq!((begun, mode(&world, &one).await), (inside, inside));
    assert_eq!(mode(&world, &other).await, OUT, "it is of one session");
    let contexts = world.store.contexts();
    let last = contexts.last().unwrap();
    assert_eq!((last.user_id, last.actor_name.as_str()), (Some(ANN), "ann"));

    world.store.state().now = until - Duration::seconds(1);
    assert_eq!(mode(&world, &one).await, inside);
    world.store.state().now = until;
    assert_eq!(mode(&world, &one).await, OUT);

    enter(&world, &one).await.unwrap();
    let caller = world.caller(&one).await;
    admin_mode_end(&world.auth, &caller).await.unwrap();
    assert_eq!(mode(&world, &one).await, OUT);
    admin_mode_end(&world.auth, &caller).await.unwrap();
}

#[tokio::test]
async fn it_ends_with_its_session_and_with_a_password_change() {
    let world = world().await;
    let (one, other) = (world.sign_in(ANN).await, world.sign_in(ANN).await);
    enter(&world, &one).await.unwrap();
    enter(&world, &other).await.unwrap();
    logout(&world.caller(&other).await).await.unwrap();
    let caller = world.caller(&one).await;
    let changed = password_update(&world.auth, &caller, ANN, Some(PASSWORD), "battery staple");
    changed.await.unwrap();
    assert_eq!(mode(&world, &one).await, OUT);
    let old = enter(&world, &one).await;
    assert!(matches!(old, Err(AdminModeError::Incorrect)), "{old:?}");
    // A session that has a minute left has no hour of admin mode.
    let token = world.sign_in(BOB).await;
    world.store.state().now += Duration::hours(24) - Duration::minutes(1);
    let ends = world.caller(&token).await.admin_mode;
    assert_eq!(ends, OUT);
    let until = enter(&world, &token).await.unwrap().until.unwrap();
    assert_eq!(until - world.store.state().now, Duration::minutes(1));
}

#[tokio::test]
async fn guessing_is_slowed_down_together_with_the_change_of_the_password() {
    let world = world().await;
    let token = world.sign_in(ANN).await;
    let caller = world.caller(&token).await;
    let missing = admin_mode_begin(&world.auth, &caller, None).await;
    assert!(matches!(missing, Err(AdminModeError::PasswordMissing)));
    for _ in 0..5 {
        let wrong = admin_mode_begin(&world.auth, &caller, Some("wrong horse")).await;
        assert!(matches!(wrong, Err(AdminModeError::Incorrect)), "{wrong:?}");
        let tried = password_update(&world.auth, &caller, ANN, Some("wrong horse"), PASSWORD);
        tried.await.unwrap_err();
    }
    let AdminModeError::TooMany { retry_after } = enter(&world, &token).await.unwrap_err() else {
        panic!("too many tries are too many")
    };
    assert_eq!(retry_after.as_secs(), 300);
    assert_eq!(mode(&world, &token).await, OUT);
    // Bob is not slowed down, and Ann is not locked out.
    enter(&world, &world.sign_in(BOB).await).await.unwrap();
    world.sign_in(ANN).await;
}

#[tokio::test]
async fn whoever_was_suspended_meanwhile_stays_out() {
    let world = world().await;
    let token = world.sign_in(ANN).await;
    let caller = world.caller(&token).await;
    world.store.state().users[0].status = UserStatus::Suspended;
    let begun = admin_mode_begin(&world.auth, &caller, Some(PASSWORD)).await;
    assert!(matches!(begun, Err(AdminModeError::Incorrect)), "{begun:?}");
    assert!(world.store.state().admin_modes.is_empty());
}

#[tokio::test]
async fn a_token_has_the_scope_that_only_a_session_in_admin_mode_gives() {
    let world = world().await;
    let session = world.sign_in(ANN).await;
    let all = ["all", "admin_mode"];
    let refused = minted(&world, &session, &all).await.unwrap_err();
    assert!(refused.to_string().contains("in admin mode"), "{refused}");
    let plain = minted(&world, &session, &["all"]).await.unwrap().token;
    assert_eq!(mode(&world, &plain).await, OUT);

    enter(&world, &session).await.unwrap();
    let made = minted(&world, &session, &all).await.unwrap();
    assert_eq!(made.key.scopes, all);
    let inside = AdminMode {
        active: true,
        until: None,
    };
    assert_eq!(mode(&world, &made.token).await, inside);
    // A session's being in admin mode says nothing of the tokens that there are, and none of them makes more.
    assert_eq!(mode(&world, &plain).await, OUT);
    minted(&world, &plain, &all).await.unwrap_err();
    minted(&world, &made.token, &all).await.unwrap_err();
    minted(&world, &made.token, &["all"]).await.unwrap();
    let caller = world.caller(&made.token).await;
    let begun = admin_mode_begin(&world.auth, &caller, Some(PASSWORD)).await;
    assert!(matches!(begun, Err(AdminModeError::NotASession)));
    let ended = admin_mode_end(&world.auth, &caller).await;
    assert!(matches!(ended, Err(AdminModeError::NotASession)));
    // The token stays in it when the session has left.
    let caller = world.caller(&session).await;
    admin_mode_end(&world.auth, &caller).await.unwrap();
    assert_eq!(mode(&world, &made.token).await, inside);
}
