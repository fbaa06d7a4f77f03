//! Signing in and being recognised, on an in-memory store.

mod access;
mod accounts;
mod admin_mode;
mod behalf;
mod callers;
mod downloads;
mod freshness;
mod logins;
mod races;

use std::{num::NonZeroUsize, sync::Arc};

use chrono::{DateTime, Utc};
use dbauthz::{
    Authorized,
    fake::{FakeStore, State},
};
use http::{HeaderMap, HeaderValue};
use model::{
    Clock, IdSource, OrganizationId, UserId,
    organizations::OrganizationMember,
    users::{EmailAddress, LoginType, User, UserStatus},
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::{
    ADMIN_MODE_LIFETIME, AccessHub, AuthState, Caller, LoginThrottle, Passwords, SubjectCache,
    gateway_caller, login,
};

const ANN: UserId = UserId(Uuid::from_u128(0xa1));
const BOB: UserId = UserId(Uuid::from_u128(0xb0));
/// Signs in by no password.
const ROBOT: UserId = UserId(Uuid::from_u128(0x40));
const ORG: OrganizationId = OrganizationId(Uuid::from_u128(0x0c));
const PASSWORD: &str = "correct horse";

/// A clock that stands still.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}

/// Always the same two ids would collide: these count.
#[derive(Debug, Default)]
struct Counted(std::sync::atomic::AtomicU64);

impl IdSource for Counted {
    fn next(&self) -> Uuid {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Uuid::from_u128(0x1000 + u128::from(number))
    }
}

/// A store and what signs people in to it.
struct World {
    store: FakeStore,
    auth: AuthState,
}

fn user(id: UserId, username: &str, roles: &[&str]) -> User {
    User {
        id,
        email: format!("{username}@example.com").parse().unwrap(),
        username: username.parse().unwrap(),
        name: String::new(),
        status: UserStatus::Active,
        login_type: LoginType::Password,
        roles: roles.iter().map(ToString::to_string).collect(),
        organization_ids: vec![ORG],
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        last_seen_at: None,
    }
}

fn empty() -> World {
    let store = FakeStore::default();
    let authorized = Authorized::new(Arc::new(store.clone()));
    let auth = AuthState {
        access: AccessHub::new(&authorized),
        authorized,
        passwords: Passwords::new(NonZeroUsize::MIN),
        throttle: LoginThrottle::default(),
        subjects: SubjectCache::default(),
        clock: Arc::new(Still),
        ids: Arc::new(Counted::default()),
        access_url: None,
        oidc: None,
        admin_mode_lifetime: ADMIN_MODE_LIFETIME,
    };
    World { store, auth }
}

/// Ann, Bob with a role that nobody knows, and a robot; Ann and Bob sign in by [`PASSWORD`].
async fn world() -> World {
    let world = empty();
    let hash = world.auth.passwords.hash(PASSWORD).await.unwrap();
    let robot = User {
        login_type: LoginType::None,
        ..user(ROBOT, "robot", &[])
    };
    let bob = user(BOB, "bob", &["auditor", "retired"]);
    let member = OrganizationMember {
        organization_id: ORG,
        user_id: BOB,
        username: bob.username.clone(),
        name: String::new(),
        email: String::new(),
        roles: vec!["organization-admin".to_owned()],
        global_roles: bob.roles.clone(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    *world.store.state() = State {
        users: vec![user(ANN, "ann", &[]), bob, robot],
        hashes: [ANN, BOB, ROBOT].map(|id| (id, hash.clone())).into(),
        organizations: vec![freshness::organization()],
        members: vec![member],
        ..State::default()
    };
    world
}

impl World {
    fn email(&self, id: UserId) -> EmailAddress {
        self.store
            .state()
            .users
            .iter()
            .find(|user| user.id == id)
            .unwrap()
            .email
            .clone()
    }

    async fn sign_in(&self, id: UserId) -> SecretString {
        let email = self.email(id);
        login(&self.auth, email.as_str(), PASSWORD, None)
            .await
            .unwrap()
            .token
    }

    async fn caller(&self, token: &SecretString) -> Caller {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(token.expose_secret()).unwrap();
        headers.insert("bursar-session-token", value);
        gateway_caller(&self.auth, &headers, &http::Extensions::new())
            .await
            .unwrap()
    }

    fn key_ids(&self) -> Vec<String> {
        self.store
            .state()
            .keys
            .iter()
            .map(|(key, _)| key.id.clone())
            .collect()
    }
}
