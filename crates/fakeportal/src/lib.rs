//! A fake customers portal on loopback, for tests: it keeps the caps of subscriptions as an upstream billing system does,
//! answers in its GraphQL forms, writes down what it was asked, and misbehaves in every [`Way`] that such a portal can.
//!
//! It must not know of Bursar: it depends on no other crate of ours, so that a test of the client is a test against
//! somebody else. It is strict: it knows only the operations of the real one, takes only variables that the document
//! declares, wants the right credentials, and writes amounts as they were written to it. It is deterministic, and takes a
//! free port.
//!
//! To add a behaviour: a variant of [`Way`], played in `play.rs`. To keep more: a field in `books.rs`, told in
//! `answers.rs`.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use fakeportal::{FakePortal, Operation, Place, Way};
//!
//! let portal = FakePortal::start().await?;
//! portal.books().namespace("42").recorded = true;
//! portal.next([Way::Reset]);
//! portal.always_of(Operation::Overrides, Way::Errors(Place::Payload, "no".to_owned()));
//! assert_eq!(portal.count(), 0);
//! # Ok(())
//! # }
//! ```

mod answers;
mod books;
mod play;
mod record;
mod script;
mod server;
mod way;
mod wire;

pub use books::{Amount, Blocked, Books, Own, Subscription};
pub use record::{Operation, Received};
pub use server::FakePortal;
pub use way::{Place, Way};

/// The licence key that it knows from the start, of several lines as such keys are.
pub const LICENCE_KEY: &str = "bGljZW5jZS1vZi1hY21l\nMTIzNDU2Nzg5MA==\n";
/// The admin's address.
pub const ADMIN_EMAIL: &str = "admin@portal.example";
/// The admin's token.
pub const ADMIN_TOKEN: &str = "admin-t0ken-of-the-portal";
