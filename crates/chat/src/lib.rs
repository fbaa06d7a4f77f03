//! The chat engine: it runs the turns of chats, shows chats to all who look at them, and keeps them in order.
//!
//! A turn's way: whoever says something commits it with a turn that begins at this server ([`ChatHub::commit`]);
//! `engine` takes the turn, has `dialect` make the provider's request of what was said, and asks through the gateway's
//! own pipeline, as the owner and on the owner's budget. What comes back goes to the `feed` of the chat at once, into
//! the database in pieces, and becomes a message when the turn ends, which it does exactly once.
//!
//! Who looks at a chat ([`ChatHub::stream`]) gets what its one feed at this server reads: one read, one set of frames, for
//! however many viewers, in two variants: the owner's, and the readers'. Whoever may not look any more is turned away.
//! `watch` tells people what happens to their chats and to those that are shared with them, `jobs` archives and
//! removes what is old.
//!
//! Servers share nothing but the database. A hint of another server's ([`ChatHub::hint`]) may be lost: everything that
//! hears hints also looks by itself, every few seconds.
//!
//! # What this crate must not know
//!
//! No SQL, no routes and no wire types of ours: `api` makes text of [`ChatEvent`]s, once per [`Frame`]. It reaches the
//! store through `dbauthz`, as named system actors, or as the person themself.
//!
//! # To add a provider's language
//!
//! A module in `dialect` that makes a request and reads a stream, and its line in `dialect::request` and
//! `dialect::AnswerReader`.

mod config;
mod dialect;
mod engine;
mod events;
mod feed;
mod house;
mod hub;
mod jobs;
mod lapsed;
mod ports;
mod seats;
mod telemetry;
#[cfg(test)]
mod tests;
mod watch;

pub use config::ChatConfig;
pub use events::{ChatEvent, Closed, Frame, PartEvent, WatchEvent, WatchKind};
pub use feed::ChatStream;
pub use hub::{ChatDeps, ChatHint, ChatHub, StreamError};
pub use ports::TurnLease;
pub use watch::ChatWatch;
