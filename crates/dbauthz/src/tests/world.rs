//! The small world that the cases run in.

use std::sync::Arc;

use chrono::{DateTime, Duration};
use model::{
    DeliveryId, GroupId, Micros, Name, NotificationId, OrganizationId, ProviderId, RoleId, UserId,
    WebhookId, WorkspaceId,
    acl::Principal,
    api_keys::{ApiKey, ApiKeyKind},
    budgets::{BudgetMode, BudgetOverride},
    deliveries::{DeliveryState, WebhookDelivery},
    feature_flags::{Feature, FeatureSwitch},
    groups::{Group, GroupMember},
    identities::{Identity, UserLink},
    idpsync::{GroupSync, Mapping, OrganizationSync, PlaceSettings, RoleSync, TakenRoles},
    notifications::Notification,
    organizations::{Organization, OrganizationMember},
    prices::ProviderKind,
    providers::Provider,
    roles::CustomRole,
    users::{LoginType, User, UserStatus},
    webhooks::Webhook,
    workspaces::{Workspace, WorkspaceAccess, WorkspaceRole},
};
use rbac::{
    Action, Permission, ResourceType, RoleName, ScopeSet, ShareableOwners, Subject, SystemRole,
};
use uuid::Uuid;

use super::{cases::external_usage, chat_world::with_chats};
use crate::{
    Actor, PresentedKey,
    fake::{IdpsyncSettings, State},
};

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
/// A role that the organization made for itself, named `helper`; nobody holds it.
pub(super) const ROLE: RoleId = RoleId(Uuid::from_u128(0x501));
/// A workspace of Bob's, named `plans`, that he shares with the group.
pub(super) const WORKSPACE: WorkspaceId = WorkspaceId(Uuid::from_u128(0x3a));
/// Another group of it, with nobody.
pub(super) const OTHER_GROUP: GroupId = GroupId(Uuid::from_u128(0x6f));
/// A provider, named `openai`.
pub(super) const PROVIDER: ProviderId = ProviderId(Uuid::from_u128(0xa0));
/// A receiver of events.
pub(super) const WEBHOOK: WebhookId = WebhookId(Uuid::from_u128(0x3eb));
/// Something that was sent to it.
pub(super) const DELIVERY: DeliveryId = DeliveryId(Uuid::from_u128(0xde1));

/// A message to Bob.
pub(super) const BOBS_MESSAGE: NotificationId = NotificationId(Uuid::from_u128(0x3e));

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

fn custom_role() -> CustomRole {
    CustomRole {
        id: ROLE,
        organization_id: ORG,
        name: name("helper"),
        display_name: String::new(),
        org_permissions: vec![Permission::allow(ResourceType::Group, Action::Read)],
        member_permissions: vec![Permission::allow(ResourceType::Workspace, Action::Read)],
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

pub(super) fn workspace() -> WorkspaceAccess {
    WorkspaceAccess {
        workspace: Workspace {
            id: WORKSPACE,
            organization_id: ORG,
            organization_name: name("acme"),
            owner_id: BOB,
            owner_username: name("bob"),
            owner_name: String::new(),
            name: name("plans"),
            description: String::new(),
            dormant_at: None,
            shared: true,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        },
        acl: [(Principal::Group(GROUP), WorkspaceRole::Use)]
            .into_iter()
            .collect(),
        owner_service_account: false,
        settings: ShareableOwners::Everyone,
    }
}

/// Claims decide everything about acme: `orgs` who is in it, `groups` and `roles` the rest.
fn synchronized() -> IdpsyncSettings {
    fn mapping<T: Ord + Clone>(value: &str, target: T) -> Mapping<T> {
        Mapping::new([(value.to_owned(), [target].into())]).unwrap()
    }
    let acme = PlaceSettings {
        organization_id: ORG,
        groups: GroupSync {
            field: "groups".parse().unwrap(),
            mapping: mapping("idp-makers", GROUP),
            regex_filter: None,
            create_missing: true,
        },
        roles: RoleSync {
            field: "roles".parse().unwrap(),
            mapping: mapping("audit", "organization-auditor".to_owned()),
            takes: TakenRoles::All,
        },
    };
    IdpsyncSettings {
        organization: OrganizationSync {
            field: "orgs".parse().unwrap(),
            mapping: mapping("acme", ORG),
            assign_default: false,
            takes: TakenRoles::All,
        },
        places: [(ORG, acme)].into(),
    }
}

fn provider() -> Provider {
    Provider {
        id: PROVIDER,
        name: name("openai"),
        kind: ProviderKind::OpenAi,
        base_url: "https://example.com/v1".parse().unwrap(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn webhook() -> Webhook {
    Webhook {
        id: WEBHOOK,
        name: name("pager"),
        url: "https://example.com/in".parse().unwrap(),
        organization_id: None,
        enabled: true,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn delivery() -> WebhookDelivery {
    WebhookDelivery {
        id: DELIVERY,
        webhook_id: WEBHOOK,
        event_type: "ping".to_owned(),
        body: "{}".to_owned(),
        state: DeliveryState::Delivered {
            at: DateTime::UNIX_EPOCH,
        },
        attempts: 1,
        last_error: None,
        created_at: DateTime::UNIX_EPOCH,
    }
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

fn bobs_message() -> Notification {
    Notification {
        id: BOBS_MESSAGE,
        user_id: BOB,
        template: "test".to_owned(),
        title: String::new(),
        content: String::new(),
        data: serde_json::json!({}),
        actions: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        read_at: None,
    }
}

/// The deployment's switch of a feature, and acme's.
fn switches() -> Vec<FeatureSwitch> {
    let switch = |organization| FeatureSwitch {
        feature: Feature::BudgetCapsGraphqlApi,
        organization,
        enabled: true,
        updated_at: DateTime::UNIX_EPOCH,
    };
    [None, Some(ORG)].map(switch).into()
}

fn acme() -> Organization {
    Organization {
        id: ORG,
        name: name("acme"),
        display_name: String::new(),
        description: String::new(),
        icon: String::new(),
        default: true,
        default_org_member_roles: vec!["organization-workspace-access".to_owned()],
        shareable_workspace_owners: ShareableOwners::Everyone,
        chat_sharing: true,
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
    with_chats(State {
        members: vec![
            member(&users[0], &[]),
            member(&users[1], &["organization-auditor"]),
        ],
        users,
        organizations: vec![acme()],
        groups: vec![group(GROUP, "makers"), group(OTHER_GROUP, "minders")],
        group_members: vec![group_member],
        keys: vec![
            key("annsession", ANN, ApiKeyKind::Session),
            key("annelsewhe", ANN, ApiKeyKind::Session),
            key("anntoken00", ANN, ApiKeyKind::Token),
            key("bobsession", BOB, ApiKeyKind::Session),
        ],
        providers: vec![provider()],
        feature_switches: switches(),
        webhooks: vec![webhook()],
        webhook_deliveries: vec![delivery()],
        idpsync: synchronized(),
        workspaces: vec![workspace()],
        custom_roles: vec![custom_role()],
        user_links: vec![UserLink {
            identity: identity("bob"),
            user_id: BOB,
            created_at: DateTime::UNIX_EPOCH,
            last_login_at: DateTime::UNIX_EPOCH,
        }],
        overrides: vec![bobs_override()],
        external_usage: external_usage::holds(),
        notifications: vec![bobs_message()],
        ..State::default()
    })
}

/// Somebody at the world's identity provider.
pub(super) fn identity(subject: &str) -> Identity {
    Identity::new("https://id.example.com", subject).unwrap()
}

/// A person of the world with these roles, each `name` or `name:<organization>`.
pub(super) fn actor(id: UserId, roles: &[&str]) -> Actor {
    let roles = roles.iter().map(|role| role.parse::<RoleName>().unwrap());
    let (subject, unknown) = Subject::user(id.0).role_names(roles);
    // What comes with membership is given to nobody, and so found by no name.
    let comes_anyway = |role: &RoleName| role.name == SystemRole::OrganizationMember.name();
    let (implied, unknown): (Vec<_>, Vec<_>) = unknown.into_iter().partition(comes_anyway);
    assert_eq!(unknown, []);
    let orgs = implied.into_iter().filter_map(|role| role.org);
    let subject = orgs.fold(subject, Subject::member_of);
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
        admin_mode: true,
    };
    Actor {
        subject: Arc::new(subject.prepare()),
        user_id: id,
        username,
        key,
        request_id: None,
    }
}
