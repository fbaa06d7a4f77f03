//! Bursar's wire types, and with the feature `client` (on by default) an HTTP client for them.
//!
//! The shapes follow Coder's REST API, so that a program written for it works unchanged on the same paths.
//! Requests ignore fields that they do not know; a `null` list is an empty one; an empty optional text is
//! an absent one, since existing clients send all of these. The crate depends on no other crate of the
//! house and knows no rules: the server judges.
//!
//! To add a type, put it in the module of its feature; every type has a unique name and is found at the
//! root. A query of the operation `user_list` is the struct `UserListQuery`: the generated client relies on it.

mod acl;
mod api_keys;
mod audit;
mod authorization;
mod budgets;
mod change;
#[cfg(feature = "client")]
pub mod client;
mod deployment;
mod error;
mod external_usage;
mod groups;
mod identities;
mod idpsync;
mod lenient;
mod notifications;
mod organizations;
mod prices;
mod providers;
mod roles;
mod secret;
mod spend;
mod spend_reports;
mod system_roles;
mod users;
mod webhooks;
mod workspaces;

pub use acl::*;
pub use api_keys::*;
pub use audit::*;
pub use authorization::*;
pub use budgets::*;
pub use change::Change;
#[cfg(feature = "client")]
pub use client::{ApiError, Client};
pub use deployment::*;
pub use error::*;
pub use external_usage::*;
pub use groups::*;
pub use identities::*;
pub use idpsync::*;
pub use notifications::*;
pub use organizations::*;
pub use prices::*;
pub use providers::*;
pub use roles::*;
pub use secret::Secret;
pub use spend::*;
pub use spend_reports::*;
pub use system_roles::*;
pub use users::*;
pub use webhooks::*;
pub use workspaces::*;
