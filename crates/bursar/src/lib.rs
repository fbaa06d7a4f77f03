//! The binary's parts: command line, configuration, wiring, the demo. Thin: what Bursar does is below.
//!
//! It is a library too, so that the test support starts the same server that people start. To add an
//! option, add a field in `cli/server.rs` and use it in `server.rs`.

pub mod caps;
pub mod chats;
pub mod cli;
mod columns;
mod command;
pub mod config_file;
pub mod demo;
pub mod environment;
pub mod features;
pub mod graphql;
mod hints;
mod http;
pub mod ledger;
pub mod logging;
mod metrics;
pub mod notifications;
pub mod oidc;
mod patience;
pub mod prices;
pub mod roles;
mod secret_file;
pub mod server;
mod settings;
mod storage;

pub use environment::Environment;
pub use server::Server;
