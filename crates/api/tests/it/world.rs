//! A small world, and the means to ask its server.

use std::sync::Arc;

use api::{ApiState, Features, GraphqlOptions, GraphqlState, MetricsText, Uploads};
use auth::AuthState;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use bursar_sdk::BuildInfo;
use chat::{ChatConfig, ChatDeps, ChatHub};
use chrono::{DateTime, Duration};
use dbauthz::{
    Authorized,
    fake::{FakeStore, State},
};
use gateway::{Gateway, GatewayConfig, GatewayDeps};
use http_body_util::BodyExt;
use model::{
    GroupId, OrganizationId, SystemClock, UserId, UuidV7Source, WorkspaceId,
    acl::Acl,
    addresses::Reach,
    api_keys::{ApiKey, ApiKeyKind},
    groups::{Group, GroupMember},
    organizations::{Organization, OrganizationMember},
    prices::PriceBook,
    users::{LoginType, User, UserStatus},
    workspaces::{Workspace, WorkspaceAccess},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) const OWNER: UserId = UserId(Uuid::from_u128(0x01));
pub(crate) const MEMBER: UserId = UserId(Uuid::from_u128(0x02));
pub(crate) const STRANGER: UserId = UserId(Uuid::from_u128(0x03));
pub(crate) const ORG: OrganizationId = OrganizationId(Uuid::from_u128(0x0c));
pub(crate) const GROUP: GroupId = GroupId(Uuid::from_u128(0x6e));
pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId(Uuid::from_u128(0x3a));
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A server over an in-memory store.
pub(crate) struct World {
    pub(crate) store: FakeStore,
    pub(crate) state: ApiState,
    app: Router,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Features::default())
    }

    pub(crate) fn with(features: Features) -> Self {
        let store = FakeStore::new(state());
        let ids: Arc<dyn model::IdSource> = Arc::new(UuidV7Source);
        let authorized = Authorized::new(Arc::new(store.clone()));
        let auth = AuthState::new(authorized, Arc::new(SystemClock), Arc::clone(&ids), None);
        let prices = Arc::new(PriceBook::bundled().unwrap());
        let chats = chats(&auth, Arc::clone(&prices));
        let state = ApiState {
            auth,
            features,
            graphql: GraphqlState::new(GraphqlOptions::default()),
            caps: Arc::new(caps::LocalCaps),
            chats,
            uploads: Uploads::default(),
            webhooks: Reach::Public,
            build: BuildInfo {
                version: "v0".to_owned(),
                external_url: String::new(),
                dashboard_url: String::new(),
                deployment_id: None,
            },
            readiness: Arc::from([]),
            prices,
            metrics: MetricsText::new(|| "bursar_up 1\n".to_owned()),
        };
        let panicking = Router::new().route("/panic", axum::routing::get(panicking));
        let app = api::with_middleware(api::router(state.clone()).merge(panicking), ids);
        Self { store, state, app }
    }

    /// Asks as somebody, or as nobody.
    pub(crate) async fn ask(
        &self,
        who: Option<UserId>,
        method: &str,
        path: &str,
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(who) = who {
            request = request.header("Coder-Session-Token", token(who));
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn get(&self, who: Option<UserId>, path: &str) -> Answer {
        self.ask(who, Method::GET.as_str(), path, "").await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    /// How often a repository method was called.
    pub(crate) fn calls(&self, method: &str) -> usize {
        self.store
            .calls()
            .iter()
            .filter(|call| **call == method)
            .count()
    }
}

/// Chats that are not at work: no turn is run.
fn chats(auth: &AuthState, prices: Arc<PriceBook>) -> ChatHub {
    let (_, hints) = tokio::sync::mpsc::channel(1);
    let gateway = Gateway::new(GatewayDeps {
        authorized: auth.authorized.clone(),
        auth: auth.clone(),
        prices,
        clock: Arc::clone(&auth.clock),
        ids: Arc::clone(&auth.ids),
        config: GatewayConfig::default(),
        hints,
    });
    ChatHub::new(ChatDeps {
        auth: auth.clone(),
        gateway: gateway.unwrap(),
        clock: Arc::clone(&auth.clock),
        ids: Arc::clone(&auth.ids),
        config: ChatConfig::default(),
    })
}

async fn panicking() {
    panic!("on purpose");
}

/// The token that somebody signs in with.
pub(crate) fn token(user: UserId) -> String {
    format!("{}-{}", key_id(user), secret(user))
}

fn key_id(user: UserId) -> String {
    format!("{:010}", user.0.as_u128())
}

fn secret(user: UserId) -> String {
    format!("{:022}", user.0.as_u128())
}

fn user(id: UserId, username: &str, roles: &[&str], orgs: &[OrganizationId]) -> User {
    User {
        id,
        email: format!("{username}@example.com").parse().unwrap(),
        username: username.parse().unwrap(),
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

fn key(user: UserId) -> (ApiKey, [u8; 32]) {
    let key = ApiKey {
        id: key_id(user),
        user_id: user,
        kind: ApiKeyKind::Session,
        token_name: String::new(),
        scopes: vec!["all".to_owned()],
        allow_list: vec!["*:*".to_owned()],
        created_at: DateTime::UNIX_EPOCH,
        expires_at: DateTime::UNIX_EPOCH + Duration::days(1),
    };
    (key, Sha256::digest(secret(user)).into())
}

fn member(user: &User) -> OrganizationMember {
    OrganizationMember {
        organization_id: ORG,
        user_id: user.id,
        username: user.username.clone(),
        name: String::new(),
        email: user.email.as_str().to_owned(),
        roles: Vec::new(),
        global_roles: user.roles.clone(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn workspace() -> WorkspaceAccess {
    WorkspaceAccess {
        workspace: Workspace {
            id: WORKSPACE,
            organization_id: ORG,
            organization_name: "acme".parse().unwrap(),
            owner_id: MEMBER,
            owner_username: "max".parse().unwrap(),
            owner_name: String::new(),
            name: "plans".parse().unwrap(),
            description: String::new(),
            dormant_at: None,
            shared: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        },
        acl: Acl::default(),
        owner_service_account: false,
        settings: rbac::ShareableOwners::Everyone,
    }
}

fn state() -> State {
    let users = vec![
        user(OWNER, "olga", &["owner"], &[ORG]),
        user(MEMBER, "max", &[], &[ORG]),
        user(STRANGER, "sam", &[], &[]),
    ];
    let organization = Organization {
        id: ORG,
        name: "acme".parse().unwrap(),
        display_name: "Acme".to_owned(),
        description: String::new(),
        icon: String::new(),
        default: true,
        default_org_member_roles: Vec::new(),
        shareable_workspace_owners: rbac::ShareableOwners::Everyone,
        chat_sharing: true,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    let group = Group {
        id: GROUP,
        organization_id: ORG,
        organization_name: "acme".parse().unwrap(),
        organization_display_name: "Acme".to_owned(),
        name: "makers".parse().unwrap(),
        display_name: String::new(),
        avatar_url: String::new(),
        total_member_count: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    let group_member = GroupMember {
        group_id: GROUP,
        organization_id: ORG,
        user_id: MEMBER,
        username: "max".parse().unwrap(),
        name: String::new(),
        email: "max@example.com".to_owned(),
    };
    State {
        now: DateTime::UNIX_EPOCH,
        members: vec![member(&users[0]), member(&users[1])],
        keys: [OWNER, MEMBER, STRANGER].map(key).to_vec(),
        users,
        organizations: vec![organization],
        groups: vec![group],
        group_members: vec![group_member],
        workspaces: vec![workspace()],
        ..State::default()
    }
}
