//! What persistence offers: one repository trait per feature, and units of work over all of them.
//!
//! A [`ReadUnit`] reads without a transaction; a [`WriteUnit`] reads and writes inside one, which ends with
//! [`WriteUnit::commit`] and is rolled back when it is dropped. A unit is reached through [`Store`], and by
//! the rest of the house only through the crate `dbauthz`, which authorizes every call.
//!
//! This crate knows no SQL and no HTTP. To add a repository: a module with `…Read` and `…Write` traits
//! of a dozen methods at most, and a line in each of the two unit traits below.

pub mod acl;
pub mod alerts;
pub mod api_keys;
pub mod audit;
pub mod budgets;
pub mod cap_mirrors;
pub mod caps;
pub mod chat_files;
pub mod chat_messages;
pub mod chat_turns;
pub mod chats;
pub mod deliveries;
pub mod error;
pub mod external_usage;
pub mod feature_flags;
pub mod groups;
pub mod identities;
pub mod idpsync;
pub mod notifications;
pub mod organizations;
pub mod prices;
pub mod providers;
pub mod roles;
pub mod spend;
pub mod spend_reports;
pub mod stored_responses;
pub mod subjects;
pub mod system_roles;
pub mod users;
pub mod webhooks;
pub mod workspaces;

use async_trait::async_trait;
use uuid::Uuid;

pub use error::{StoreError, StoreResult};

/// Who a unit of work writes as: what the audit triggers record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteContext {
    /// The person who writes; `None` for a system actor.
    pub user_id: Option<model::UserId>,
    /// The person's name, or the system actor's. Never empty.
    pub actor_name: String,
    /// The request on whose behalf it happens, if there is one.
    pub request_id: Option<Uuid>,
}

/// Persistence as a whole. Implemented by the crate `db` for PostgreSQL.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Repositories outside a transaction, for reading.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection can be had in time.
    async fn read(&self) -> StoreResult<Box<dyn ReadUnit>>;

    /// Repositories inside one transaction, which writes as `context` says.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection can be had in time.
    async fn begin(&self, context: &WriteContext) -> StoreResult<Box<dyn WriteUnit>>;

    /// As [`Store::begin`], for a unit whose only call is [`spend::SpendWrite::ledger_batch`]: the transaction begins
    /// with that.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection can be had in time.
    async fn begin_batch(&self, context: &WriteContext) -> StoreResult<Box<dyn WriteUnit>> {
        self.begin(context).await
    }

    /// Whether the database answers, for readiness.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    async fn ping(&self) -> StoreResult<()>;
}

/// All repositories, for reading.
pub trait ReadUnit:
    users::UserRead
    + organizations::OrganizationRead
    + groups::GroupRead
    + api_keys::ApiKeyRead
    + budgets::BudgetRead
    + providers::ProviderRead
    + spend::SpendRead
    + stored_responses::StoredResponseRead
    + audit::AuditRead
    + subjects::SubjectRead
    + roles::RoleRead
    + system_roles::SystemRoleRead
    + workspaces::WorkspaceRead
    + identities::IdentityRead
    + idpsync::IdpsyncRead
    + caps::CapRead
    + cap_mirrors::CapMirrorRead
    + feature_flags::FeatureFlagRead
    + prices::PriceRead
    + external_usage::ExternalUsageRead
    + spend_reports::SpendReportRead
    + notifications::NotificationRead
    + alerts::AlertRead
    + webhooks::WebhookRead
    + chats::ChatRead
    + chat_messages::ChatMessageRead
    + chat_turns::ChatTurnRead
    + chat_files::ChatFileRead
    + Send
{
}

/// All repositories, for reading and writing inside one transaction.
#[async_trait]
pub trait WriteUnit:
    ReadUnit
    + users::UserWrite
    + organizations::OrganizationWrite
    + groups::GroupWrite
    + api_keys::ApiKeyWrite
    + budgets::BudgetWrite
    + providers::ProviderWrite
    + spend::SpendWrite
    + stored_responses::StoredResponseWrite
    + audit::AuditWrite
    + roles::RoleWrite
    + system_roles::SystemRoleWrite
    + workspaces::WorkspaceWrite
    + acl::AclWrite
    + identities::IdentityWrite
    + idpsync::IdpsyncWrite
    + caps::CapWrite
    + cap_mirrors::CapMirrorWrite
    + feature_flags::FeatureFlagWrite
    + prices::PriceWrite
    + external_usage::ExternalUsageWrite
    + spend_reports::SpendReportWrite
    + notifications::NotificationWrite
    + alerts::AlertWrite
    + webhooks::WebhookWrite
    + deliveries::DeliveryWrite
    + chats::ChatWrite
    + chat_messages::ChatMessageWrite
    + chat_turns::ChatTurnWrite
    + chat_files::ChatFileWrite
{
    /// Makes everything that this unit wrote durable.
    ///
    /// # Errors
    /// Whatever a deferred constraint says, or [`StoreError::Unavailable`]; nothing is written then,
    /// or, when the connection was lost while committing, it is unknown whether it was.
    async fn commit(self: Box<Self>) -> StoreResult<()>;
}
