//! The small world that the cases run in.

use std::sync::Arc;

use chrono::{DateTime, Duration};
use model::{
    GroupId, Micros, Name, OrganizationId, ProviderId, UserId,
    api_keys::{ApiKey, ApiKeyKind},
    budgets::{BudgetMode, BudgetOverride},
    groups::{Group, GroupMember},
    organizations::{Organization, OrganizationMember},
    prices::ProviderKind,
    providers::Provider,
    users::{LoginType, User, UserStatus},
};
use rbac::{RoleName, ScopeSet, Subject};
use uuid::Uuid;

use crate::{Actor, PresentedKey, fake::State};

/// The caller of the cases.
pub(super) const ANN: UserId = UserId(Uuid::from_u128(0xa1));
/// An auditor, of the site and of the organization.
pub(super) const BOB: UserId = UserId(Uuid::from_u128(0xb0));
/// One of two owners.
pub(super) const OLGA: UserId = UserId(Uuid::from_u128(0x01));
/// The other owner.
pub(super) const OTTO: UserId = UserId(Uuid::from_u128(0x02));
/// An organization with Ann and Bob.
pub(super) const ORG: OrganizationId = OrganizationId(Uuid::from_u128(0x0c));
/// A group of it with Bob.
pub(super) const GROUP: GroupId = GroupId(Uuid::from_u128(0x6e));
/// Another group of it, with nobody.
pub(super) const OTHER_GROUP: GroupId = GroupId(Uuid::from_u128(0x6f));
/// A provider, named `openai`.
pub(super) const PROVIDER: ProviderId = ProviderId(Uuid::from_u128(0xa0));

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn user(id: UserId, username: &str, roles: &[&str], orgs: &[OrganizationId]) -> User {
    User {
        id,
        email: format!("{username}@example.com").parse().unwrap(),
        username: name(username),
        name: String::new(),
        status: UserStatus::Active,
        login_type: LoginType::Password,
        roles: roles.iter().map(ToString::to_string).collect(),
        organization_ids: orgs.to_vec(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        last_seen_at: None,
    }
}

fn member(user: &User, roles: &[&str]) -> OrganizationMember {
    OrganizationMember {
        organization_id: ORG,
        user_id: user.id,
        username: user.username.clone(),
        name: String::new(),
        email: user.email.as_str().to_owned(),
        roles: roles.iter().map(ToString::to_string).collect(),
        global_roles: user.roles.clone(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn key(id: &str, user_id: UserId, kind: ApiKeyKind) -> (ApiKey, [u8; 32]) {
    let key = ApiKey {
        id: id.to_owned(),
        user_id,
        kind,
        token_name: String::new(),
        scopes: vec!["all".to_owned()],
        allow_list: vec!["*:*".to_owned()],
        created_at: DateTime::UNIX_EPOCH,
        expires_at: DateTime::UNIX_EPOCH + Duration::days(1),
    };
    (key, [0; 32])
}

fn bobs_override() -> BudgetOverride {
    BudgetOverride {
        user_id: BOB,
        group_id: GROUP,
        organization_id: ORG,
        spend_limit: Micros::USD,
        mode: BudgetMode::Enforce,
        expires_at: None,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

pub(super) fn state() -> State {
    let users = vec![
        user(ANN, "ann", &[], &[ORG]),
        user(BOB, "bob", &["auditor"], &[ORG]),
        user(OLGA, "olga", &["owner"], &[]),
        user(OTTO, "otto", &["owner"], &[]),
    ];
    let organization = Organization {
        id: ORG,
        name: name("acme"),
        display_name: String::new(),
        description: String::new(),
        icon: String::new(),
        default: true,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    let group = |id: GroupId, called: &str| Group {
        id,
        organization_id: ORG,
        organization_name: name("acme"),
        organization_display_name: String::new(),
        name: name(called),
        display_name: String::new(),
        avatar_url: String::new(),
        total_member_count: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    let group_member = GroupMember {
        group_id: GROUP,
        organization_id: ORG,
        user_id: BOB,
        username: name("bob"),
        name: String::new(),
        email: "bob@example.com".to_owned(),
    };
    let provider = Provider {
        id: PROVIDER,
        name: name("openai"),
        kind: ProviderKind::OpenAi,
        base_url: "https://example.com/v1".parse().unwrap(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    State {
        members: vec![
            member(&users[0], &[]),
            member(&users[1], &["organization-auditor"]),
        ],
        users,
        organizations: vec![organization],
        groups: vec![group(GROUP, "makers"), group(OTHER_GROUP, "minders")],
        group_members: vec![group_member],
        keys: vec![
            key("annsession", ANN, ApiKeyKind::Session),
            key("annelsewhe", ANN, ApiKeyKind::Session),
            key("anntoken00", ANN, ApiKeyKind::Token),
            key("bobsession", BOB, ApiKeyKind::Session),
        ],
        overrides: vec![bobs_override()],
        providers: vec![provider],
        ..State::default()
    }
}

/// A person of the world with these roles, each `name` or `name:<organization>`.
pub(super) fn actor(id: UserId, roles: &[&str]) -> Actor {
    let roles = roles.iter().map(|role| role.parse::<RoleName>().unwrap());
    let (subject, unknown) = Subject::user(id.0).role_names(roles);
    assert_eq!(unknown, []);
    let username = state()
        .users
        .into_iter()
        .find(|user| user.id == id)
        .unwrap()
        .username;
    let key = PresentedKey {
        id: format!("{username}session"),
        kind: ApiKeyKind::Session,
        scopes: ScopeSet::all(),
    };
    Actor {
        subject: Arc::new(subject.prepare()),
        user_id: id,
        username,
        key,
        request_id: None,
    }
}
