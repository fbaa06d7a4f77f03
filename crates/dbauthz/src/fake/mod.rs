//! An in-memory store for the tests of this floor and of those above it. It keeps what a test puts in and
//! what units commit, notes every call, and knows none of the database's rules.

mod alerts;
mod api_keys;
mod budgets;
mod cap_mirrors;
mod caps;
mod chat_files;
mod chat_messages;
mod chat_state;
mod chat_turns;
mod chats;
mod deliveries;
mod external_usage;
mod feature_flags;
mod groups;
mod identities;
mod idpsync;
mod ledger;
mod notifications;
mod people;
mod prices;
mod rest;
mod roles;
mod spend_reports;
mod stored_responses;
mod subjects;
mod system_roles;
mod webhooks;
mod workspaces;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{
    ChatId, LeaseId, OrganizationId, ProviderId, UserId,
    acl::Principal,
    api_keys::ApiKey,
    budgets::{BudgetOverride, BudgetSettingsUpdate, GroupBudget},
    caps::{CapOverride, CapScope, SubscriptionCaps},
    chats::{
        ChatAccess, ChatFileBytes, ChatFileDownload, ChatMessage, ChatPart, QueuedMessage,
        ViewerUpdate,
    },
    deliveries::WebhookDelivery,
    external_usage::ExternalRecord,
    feature_flags::FeatureSwitch,
    groups::{Group, GroupMember},
    identities::{NewOidcLogin, UserLink},
    notifications::Notification,
    organizations::{Organization, OrganizationMember},
    prices::CustomPrices,
    providers::Provider,
    roles::CustomRole,
    stored_responses::StoredId,
    system_roles::StoredSystemRole,
    users::{PasswordHash, User},
    webhooks::Webhook,
    workspaces::WorkspaceAccess,
};
use rbac::SystemRole;
use store::{ReadUnit, Store, StoreError, StoreResult, WriteContext, WriteUnit};

pub use self::{cap_mirrors::FakeMirror, ledger::FakeLedger};

pub use idpsync::Settings as IdpsyncSettings;

/// What the store holds.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// Accounts.
    pub users: Vec<User>,
    /// Passwords, by account.
    pub hashes: BTreeMap<UserId, PasswordHash>,
    /// Organizations.
    pub organizations: Vec<Organization>,
    /// Memberships.
    pub members: Vec<OrganizationMember>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Who is in which group, without Everyone groups.
    pub group_members: Vec<GroupMember>,
    /// Keys, each with the SHA-256 of its secret.
    pub keys: Vec<(ApiKey, [u8; 32])>,
    /// Until when sessions are in admin mode, by their keys' ids.
    pub admin_modes: BTreeMap<String, DateTime<Utc>>,
    /// Group budgets.
    pub budgets: Vec<GroupBudget>,
    /// Overrides.
    pub overrides: Vec<BudgetOverride>,
    /// What was set for all budgets.
    pub budget_settings: BudgetSettingsUpdate,
    /// What was set for subscriptions.
    pub caps: Vec<SubscriptionCaps>,
    /// People's own caps.
    pub cap_overrides: Vec<(CapScope, CapOverride)>,
    /// How fresh mirrored caps are.
    pub cap_mirrors: BTreeMap<CapScope, FakeMirror>,
    /// Messages to people.
    pub notifications: Vec<Notification>,
    /// AI providers.
    pub providers: Vec<Provider>,
    /// Prices that the deployment set itself.
    pub prices: CustomPrices,
    /// Switches of features.
    pub feature_switches: Vec<FeatureSwitch>,
    /// Receivers of events.
    pub webhooks: Vec<Webhook>,
    /// What is to be sent to them.
    pub webhook_deliveries: Vec<WebhookDelivery>,
    /// What other gateways reported, and hold.
    pub external_usage: Vec<ExternalRecord>,
    /// Whose it is that providers keep.
    pub stored_responses: BTreeMap<(ProviderId, StoredId), UserId>,
    /// Workspaces, each with its ACL.
    pub workspaces: Vec<WorkspaceAccess>,
    /// Chats, each root with its ACL.
    pub chats: Vec<ChatAccess>,
    /// When entries of these ACLs end.
    pub chat_acl_ends: BTreeMap<(ChatId, Principal), DateTime<Utc>>,
    /// What each viewer of a chat keeps.
    pub chat_viewers: BTreeMap<(ChatId, UserId), ViewerUpdate>,
    /// What was said, in the order of ids.
    pub chat_messages: Vec<ChatMessage>,
    /// What waits, in its order.
    pub chat_queue: Vec<QueuedMessage>,
    /// What models have said so far in turns that run.
    pub chat_parts: BTreeMap<ChatId, Vec<ChatPart>>,
    /// The servers that run turns.
    pub chat_leases: BTreeMap<ChatId, LeaseId>,
    /// Chats with turns in which something was said that cannot be read.
    pub unreadable_chats: BTreeSet<ChatId>,
    /// Servers that have gone.
    pub lapsed_leases: BTreeSet<LeaseId>,
    /// Files of chats.
    pub chat_files: Vec<ChatFileBytes>,
    /// Addresses of these files.
    pub chat_file_downloads: Vec<ChatFileDownload>,
    /// What an identity provider's claims decide.
    pub idpsync: IdpsyncSettings,
    /// Custom roles.
    pub custom_roles: Vec<CustomRole>,
    /// Accounts at identity providers.
    pub user_links: Vec<UserLink>,
    /// Sign-ins under way there. They do not end.
    pub oidc_logins: Vec<NewOidcLogin>,
    /// What organizations keep of the system roles.
    pub system_roles: BTreeMap<(OrganizationId, SystemRole), StoredSystemRole>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    calls: Mutex<Vec<&'static str>>,
    contexts: Mutex<Vec<WriteContext>>,
    versions: Mutex<subjects::Versions>,
    ledger: Mutex<FakeLedger>,
}

/// An in-memory [`Store`]. Clones share what they hold.
#[derive(Debug, Clone, Default)]
pub struct FakeStore(Arc<Shared>);

impl FakeStore {
    /// A store that holds this.
    #[must_use]
    pub fn new(state: State) -> Self {
        let store = Self::default();
        *store.state() = state;
        store
    }

    /// What the store holds, to look at or to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger.
    ///
    /// It is no part of what a unit commits: what it took, it took.
    pub fn ledger(&self) -> MutexGuard<'_, FakeLedger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the repository methods called so far.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.0
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Who began the units so far.
    #[must_use]
    pub fn contexts(&self) -> Vec<WriteContext> {
        self.0
            .contexts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn unit(&self) -> Box<FakeUnit> {
        Box::new(FakeUnit {
            store: self.clone(),
            state: self.state().clone(),
            batched: false,
        })
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn read(&self) -> StoreResult<Box<dyn ReadUnit>> {
        Ok(self.unit())
    }

    async fn begin(&self, context: &WriteContext) -> StoreResult<Box<dyn WriteUnit>> {
        let mut contexts = self
            .0
            .contexts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        contexts.push(context.clone());
        drop(contexts);
        Ok(self.unit())
    }

    async fn ping(&self) -> StoreResult<()> {
        Ok(())
    }
}

/// A unit: a copy of the state, which a commit puts back.
#[derive(Debug)]
struct FakeUnit {
    store: FakeStore,
    state: State,
    /// Whether it took a batch of the ledger.
    batched: bool,
}

impl FakeUnit {
    /// Notes a call and gives the state to work on.
    fn call(&mut self, method: &'static str) -> &mut State {
        self.store
            .0
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(method);
        &mut self.state
    }
}

impl ReadUnit for FakeUnit {}

#[async_trait]
impl WriteUnit for FakeUnit {
    async fn commit(self: Box<Self>) -> StoreResult<()> {
        *self.store.state() = self.state;
        let mut ledger = self.store.ledger();
        if self.batched && ledger.lost_commits > 0 {
            ledger.lost_commits -= 1;
            return Err(StoreError::Unavailable("the connection broke".into()));
        }
        Ok(())
    }
}
