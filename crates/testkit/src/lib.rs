//! Test support: a database for each test, a running server, a fake provider, and people to act as.
//!
//! Nothing here needs a network beyond loopback, a fixed port or an order of tests. It is the one library
//! crate that knows the binary, and nothing but tests may know it.

pub mod issuer;
mod loopback;
pub mod mail;
pub mod portal;
pub mod postgres;
pub mod receiver;
pub mod server;
pub mod world;

pub use issuer::TestIssuer;
pub use mail::{Letter, Post, TestMailServer};
pub use portal::TestPortal;
pub use postgres::{TestDatabase, connect};
pub use receiver::{Behaviour, Received, TestReceiver};
pub use server::{ServerOptions, TestServer};
pub use world::{World, chat_request};
