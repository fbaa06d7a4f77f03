//! The store on PostgreSQL: the one crate that speaks SQL.
//!
//! [`Database`] is a [`store::Store`]. Its units of work ([`store::ReadUnit`], [`store::WriteUnit`]) hold one
//! pooled connection each; every feature has a module of its name with the feature's repository traits on
//! them. Statements are diesel's where it can check them, and SQL in [`query::Cached`] on the ledger's way.
//! [`migrate`] brings a database up to date, [`local`] runs an embedded server, [`listen`] hears what other
//! servers settle.
//!
//! This crate decides nothing about who may do what, and nothing about money: it fetches and stores what
//! `model` decides on. It knows no HTTP.
//!
//! To add a feature: a migration, `cargo xtask codegen` for `schema`, and a module here that implements
//! the feature's traits of crate `store` for [`unit::Unit`].

mod acl;
mod alerts;
mod api_keys;
mod audit;
mod budgets;
mod cap_mirrors;
mod caps;
mod chat_files;
mod chat_messages;
mod chat_turns;
mod chats;
mod connect;
mod deliveries;
mod departures;
mod errors;
mod external_usage;
mod feature_flags;
mod groups;
mod identities;
mod idpsync;
pub mod local;
mod migrate;
mod notifications;
mod notify;
mod organizations;
mod pool;
mod prices;
mod providers;
mod query;
mod roles;
mod schema;
mod sealing;
mod spend;
mod spend_reports;
mod stored_responses;
mod subjects;
mod system_roles;
mod tls;
mod unit;
mod users;
mod visibility;
mod webhooks;
mod workspaces;

pub use connect::{UrlError, url_user};
pub use migrate::{
    MigrateError, MigrationReport, migrate, migrate_to, pending_migrations, revert_all,
};
pub use notify::{ChatChange, Hint, Listener, listen};
pub use pool::{Database, DatabaseOptions, PoolStatus};
pub use sealing::{SealError, Sealer};
