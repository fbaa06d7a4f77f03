//! Access while it lasts: what is open beyond a request's beginning, a stream, learns here that its caller may
//! not go on.
//!
//! A request is judged once, when it begins. A stream goes on for minutes or hours, so whoever answers with one
//! takes an [`AccessGuard`] from the [`AccessHub`] of the process and ends the stream when the guard says so:
//!
//! - [`AccessGuard::revoked`] resolves when the key that opened it is gone or expired, or its owner is suspended or
//!   deleted. That ends everything.
//! - [`AccessGuard::changed`] resolves also when anything changed that decides what the caller may do: roles,
//!   memberships, groups, an organization's settings. Whether the stream's own object may still be read is then for
//!   its owner to ask again, as the caller that [`crate::caller_renew`] gives; the old one goes by the old rights.
//!
//! The hub looks again at once when the database says that something changed ([`AccessHub::hint`]), at everybody
//! when such words may have been lost, and at everybody every few seconds ([`AccessHub::run`]), however many there
//! are by one query. A database that cannot be asked revokes nothing: it is asked again.
//!
//! Nothing is missed between a request's authentication and its guard: the caller carries a mark of what had been
//! heard before it was authenticated, and what was heard of it since is looked at as soon as it is watched.

mod guard;
mod hub;
mod registry;

pub use guard::{AccessGuard, Revoked};
pub use hub::{AccessHint, AccessHub};
pub(crate) use registry::Mark;
