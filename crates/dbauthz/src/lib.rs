//! The authorized store: every repository call is authorized before it runs.
//!
//! [`Authorized`] wraps the raw store once, at start, and has no repository methods. [`Authorized::as_actor`]
//! binds it to a person, [`Authorized::as_system`] to a named system actor; only what they return has
//! methods. No actor, no methods: it is a question of types, not of memory.
//!
//! # The four shapes
//!
//! A wrapped method carries the name of the repository method and has one of four shapes ([`Shape`]):
//!
//! - **check, call**: for what does not exist yet;
//! - **fetch, check, return**: the object comes from the row, never from the caller's word;
//! - **lock, check, change**: the same for writes, in one transaction;
//! - **visibility**: for lists, the rows that may be seen go down into the query.
//!
//! The table at the top of each module says which checks a method makes; `tests` holds every method to it.
//!
//! # What no right can do
//!
//! Some rules hold whatever the caller's permissions are. Who takes an account over (its password, a token
//! in its name) or removes it must be allowed to hand out every role that it holds; otherwise the right to
//! help people would be the right to become the owner. The last active owner stays. Nobody deletes or
//! suspends themself or changes their own roles. A token makes only tokens that it covers itself. Nobody says anything in
//! somebody else's chat, which would spend the owner's money in the owner's name.
//!
//! # What this crate must not know
//!
//! No SQL, no HTTP, no passwords or secrets of keys: who the caller is, is decided by the crate `auth`.
//!
//! # To add
//!
//! - **a method**: one method in the wrapper of its feature and one line in its `RULES`; a case in
//!   `tests/cases`. The test that reads the traits of `store` fails until both exist; then
//!   `UPDATE=1 cargo test -p dbauthz` writes who reaches it into `tests/golden`, to be read before it is committed.
//! - **a feature**: a module of its name with `wrapper!`, `RULES` and the methods; a line in `rules.rs`
//!   and in `units.rs`.
//! - **a system actor**: a variant of [`SystemActor`] with its permissions and the reason it exists.

mod acl;
mod actor;
mod alerts;
mod api_keys;
mod assignments;
mod audit;
mod authorized;
mod budgets;
mod cap_mirrors;
mod caps;
mod chat_files;
mod chat_messages;
mod chat_turns;
mod chats;
mod deliveries;
mod external_usage;
mod feature_flags;
mod gate;
mod groups;
mod identities;
mod identity_sync;
mod idpsync;
mod notifications;
mod objects;
mod organizations;
mod prices;
mod providers;
mod roles;
mod rules;
mod spend;
mod spend_reports;
mod stored_responses;
mod subjects;
mod system;
mod system_roles;
mod units;
mod users;
mod webhooks;
mod workspaces;

#[cfg(any(test, feature = "fake"))]
pub mod fake;
#[cfg(test)]
mod tests;

pub use acl::{AclError, AclResult};
pub use actor::{Actor, PresentedKey};
pub use alerts::Alerts;
pub use api_keys::{ApiKeys, PresentedKeys};
pub use audit::Audit;
pub use authorized::{Authorized, BoundStore, ChatSharing, SystemStore, WorkspaceSharing};
pub use budgets::Budgets;
pub use cap_mirrors::{CapMirrors, UpstreamCaps, WriteOrder};
pub use caps::{CapUpsertOutcome, Caps};
pub use chat_files::ChatFiles;
pub use chat_messages::{BusyBehavior, ChatMessages, Edited, Said, Saying};
pub use chat_turns::{ChatTurns, ChatUpkeep, ChatViewers};
pub use chats::{
    ChatAclListing, ChatCallError, ChatResult, Chats, OwnerOnly, RootOnly, WorkspaceProblem,
    news_for_readers,
};
pub use deliveries::Deliveries;
pub use external_usage::{ExternalUsage, ExternalUsageError, ExternalUsageResult};
pub use feature_flags::FeatureFlags;
pub use groups::Groups;
pub use identities::Identities;
pub use identity_sync::IdentitySync;
pub use idpsync::Idpsync;
pub use notifications::Notifications;
pub use objects::Objects;
pub use organizations::Organizations;
pub use prices::Prices;
pub use providers::{ProviderKeys, Providers};
pub use roles::{ListedRole, Roles};
pub use rules::{Rule, Shape, rules};
pub use spend::{Ledger, Spend};
pub use spend_reports::SpendReports;
pub use stored_responses::StoredResponses;
pub use subjects::Subjects;
pub use system::SystemActor;
pub use system_roles::{ReconcileMode, SystemRoles};
pub use units::{ReadUnit, SystemReadUnit, SystemWriteUnit, WriteUnit};
pub use users::{Logins, Setup, Users};
pub use webhooks::Webhooks;
pub use workspaces::Workspaces;
