//! Where budget caps live: the port, and the places behind it.
//!
//! [`LocalCaps`] is the store alone. [`PortalCaps`] is a customers portal, whose caps the store mirrors. Whatever the place,
//! what decides is in the store's tables: the ledger never asks anybody else.
//!
//! # How the mirror is right
//!
//! - A read is begun by a claim, which has the mirror's version; what was read counts only if the version is still that,
//!   and no read that began later counted before. [`keep()`] claims what is due, on every server, and each subscription is
//!   claimed by one; [`BudgetCaps::fresh`] claims one when it is needed.
//! - A write raises the version before the portal is asked, and again when it has answered, in the transaction that mirrors
//!   the answer as the doing of whoever wrote. So no read that may have missed it counts. Of two writes at once neither is
//!   taken for the last word: the portal is read.
//! - A write whose outcome is not known, and a server that dies at any point, leave a mirror that is due.
//!
//! It knows no SQL and serves no HTTP. To add a place: implement [`BudgetCaps`] in a room of its own.

mod desk;
mod error;
mod keep;
mod local;
mod place;
mod portal_caps;
mod upstream;
mod writing;

pub use error::CapsError;
pub use keep::keep;
pub use local::LocalCaps;
pub use place::{BudgetCaps, CapWriting, PlaceStatus};
pub use portal::PortalError;
pub use portal_caps::PortalCaps;
