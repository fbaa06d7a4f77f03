//! A small world: a portal, a store in memory, and what lies between them.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use caps::{BudgetCaps, CapWriting, CapsError, PortalCaps};
use chrono::{DateTime, TimeDelta, Utc};
use dbauthz::{
    Actor, Authorized, BoundStore, CapUpsertOutcome, PresentedKey,
    fake::{FakeMirror, FakeStore, State},
};
use fakeportal::{ADMIN_EMAIL, ADMIN_TOKEN, Amount, FakePortal, LICENCE_KEY, Subscription};
use model::{
    Clock, Micros, OrganizationId, SystemClock, UserId,
    api_keys::ApiKeyKind,
    caps::{Cap, CapOverrideUpsert, CapScope},
    organizations::{Organization, OrganizationMember},
    users::{LoginType, User, UserStatus},
};
use portal::{AdminCredentials, Licence, Portal, PortalConfig, RetryPolicy};
use rbac::{RoleName, ScopeSet, ShareableOwners, Subject};
use uuid::Uuid;

/// An owner of the site.
pub(crate) const OLGA: UserId = UserId(Uuid::from_u128(0x01));
/// A member of the organization, without any right.
pub(crate) const BOB: UserId = UserId(Uuid::from_u128(0xb0));
/// Nobody.
pub(crate) const NOBODY: UserId = UserId(Uuid::from_u128(0xdead));
pub(crate) const ORG: OrganizationId = OrganizationId(Uuid::from_u128(0x0c));
pub(crate) const ACME: CapScope = CapScope::Organization(ORG);
pub(crate) const REFRESH: Duration = Duration::from_secs(5);
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so, but not for ever.
pub(crate) async fn until(so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "it does not come");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Seconds, turned by hand.
#[derive(Debug, Default)]
pub(crate) struct Hands(AtomicI64);

impl Hands {
    pub(crate) fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap()
    }
}

pub(crate) const fn cap(dollars: i64, enabled: bool) -> Cap {
    Cap {
        amount: Micros(dollars * 1_000_000),
        enabled,
    }
}

pub(crate) const fn of(user_id: UserId, dollars: i64) -> CapOverrideUpsert {
    CapOverrideUpsert {
        user_id,
        cap: cap(dollars, true),
        disabled_mode: None,
    }
}

fn user(id: UserId, name: &str) -> User {
    User {
        id,
        email: format!("{name}@example.com").parse().unwrap(),
        username: name.parse().unwrap(),
        name: String::new(),
        status: UserStatus::Active,
        login_type: LoginType::Password,
        roles: Vec::new(),
        organization_ids: vec![ORG],
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        last_seen_at: None,
    }
}

fn organization(id: OrganizationId, name: &str) -> Organization {
    Organization {
        id,
        name: name.parse().unwrap(),
        display_name: String::new(),
        description: String::new(),
        icon: String::new(),
        default: false,
        default_org_member_roles: Vec::new(),
        shareable_workspace_owners: ShareableOwners::Everyone,
        chat_sharing: true,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn member(user: &User) -> OrganizationMember {
    OrganizationMember {
        organization_id: ORG,
        user_id: user.id,
        username: user.username.clone(),
        name: String::new(),
        email: user.email.as_str().to_owned(),
        roles: Vec::new(),
        global_roles: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

/// One organization, of which Bob is a member.
fn state() -> State {
    let (olga, bob) = (user(OLGA, "olga"), user(BOB, "bob"));
    State {
        members: vec![member(&bob)],
        users: vec![olga, bob],
        organizations: vec![organization(ORG, "acme")],
        ..State::default()
    }
}

pub(crate) struct Rig {
    pub(crate) portal: FakePortal,
    pub(crate) store: FakeStore,
    authorized: Authorized,
    pub(crate) caps: Arc<PortalCaps>,
}

impl Rig {
    /// A portal that keeps a flat cap of ten dollars for the organization, and a client of it that asks as an admin.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut PortalConfig)) -> Self {
        Self::with_clock(Arc::new(SystemClock), change).await
    }

    /// One whose client leaves the portal alone by this clock.
    pub(crate) async fn with_clock(
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut PortalConfig),
    ) -> Self {
        let portal = FakePortal::start().await.unwrap();
        *portal.books().namespace(ORG.to_string()) = Subscription {
            recorded: true,
            flat: Amount::new("10", true),
            ..Subscription::default()
        };
        let mut config = PortalConfig::new(portal.url().parse().unwrap());
        config.admin = Some(AdminCredentials {
            email: ADMIN_EMAIL.to_owned(),
            token: ADMIN_TOKEN.into(),
        });
        config.retry = RetryPolicy {
            attempts: NonZeroU32::MIN,
            ..RetryPolicy::default()
        };
        change(&mut config);
        let store = FakeStore::new(state());
        let authorized = Authorized::new(Arc::new(store.clone()));
        let client = Portal::new(config, clock).unwrap();
        let caps = Arc::new(PortalCaps::new(&authorized, client, REFRESH));
        Self {
            portal,
            store,
            authorized,
            caps,
        }
    }

    /// The store as somebody uses it, in admin mode.
    pub(crate) fn bound(&self, id: UserId, roles: &[&str]) -> BoundStore {
        let roles = roles.iter().map(|role| role.parse::<RoleName>().unwrap());
        let (subject, unknown) = Subject::user(id.0).role_names(roles);
        assert_eq!(unknown, []);
        let mut users = self.store.state().users.clone().into_iter();
        let username = users.find(|user| user.id == id).unwrap().username;
        let key = PresentedKey {
            id: format!("{username}session"),
            kind: ApiKeyKind::Session,
            scopes: ScopeSet::all(),
            admin_mode: true,
        };
        self.authorized.as_actor(Actor {
            subject: Arc::new(subject.prepare()),
            user_id: id,
            username,
            key,
            request_id: None,
        })
    }

    pub(crate) fn olga(&self) -> BoundStore {
        self.bound(OLGA, &["owner"])
    }

    /// Makes more organizations, which the portal knows.
    pub(crate) fn grow(&self, number: u128) {
        for one in 1..=number {
            let id = OrganizationId(Uuid::from_u128(0x1000 + one));
            let new = organization(id, &format!("o{one}"));
            self.store.state().organizations.push(new);
            self.portal.books().namespace(id.to_string()).recorded = true;
        }
    }

    pub(crate) fn knows_licence(config: &mut PortalConfig) {
        config.licence = Some(Licence {
            key: LICENCE_KEY.into(),
            instance_id: "instance".to_owned(),
            unique_instance_id: "unique".to_owned(),
        });
    }

    pub(crate) async fn set_flat(&self, store: &BoundStore, cap: Cap) -> Result<Cap, CapsError> {
        let writing = writing(store).await;
        self.caps.flat_upsert(writing, cap).await
    }

    pub(crate) async fn set_own(
        &self,
        store: &BoundStore,
        overrides: Vec<CapOverrideUpsert>,
        implicit: bool,
    ) -> Result<CapUpsertOutcome, CapsError> {
        let writing = writing(store).await;
        let set = self.caps.override_upsert(writing, &overrides, implicit);
        set.await
    }

    /// Time passes, for the store.
    pub(crate) fn pass(&self, time: Duration) {
        self.store.state().now += TimeDelta::from_std(time).unwrap();
    }

    /// The flat cap that is mirrored.
    pub(crate) fn flat(&self) -> Option<Cap> {
        let state = self.store.state();
        let mut caps = state.caps.iter();
        caps.find(|caps| caps.scope == ACME)?.flat_user
    }

    /// The cap of somebody that is mirrored.
    pub(crate) fn own(&self, user: UserId) -> Option<Cap> {
        let state = self.store.state();
        let mut overrides = state.cap_overrides.iter();
        let found = overrides.find(|(of, one)| *of == ACME && one.user_id == user);
        found.map(|(_, one)| one.cap)
    }

    pub(crate) fn mirror(&self) -> FakeMirror {
        let state = self.store.state();
        state.cap_mirrors.get(&ACME).copied().unwrap_or_default()
    }

    /// Who began units since, of those that change something.
    pub(crate) fn writers(&self) -> Vec<String> {
        let contexts = self.store.contexts().into_iter();
        contexts.map(|context| context.actor_name).collect()
    }
}

/// A unit of somebody's to write in.
pub(crate) async fn writing(store: &BoundStore) -> CapWriting<'_> {
    CapWriting {
        store,
        unit: store.begin().await.unwrap(),
        scope: ACME,
    }
}

/// How it ended: `done`, the code, or `hidden`.
pub(crate) fn end<T>(outcome: Result<T, CapsError>) -> &'static str {
    match outcome {
        Ok(_) => "done",
        Err(CapsError::Store(error)) if error.hidden() => "hidden",
        Err(error) => error.code().unwrap_or("store"),
    }
}
