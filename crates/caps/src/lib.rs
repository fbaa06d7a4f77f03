//! Where budget caps live: the port, and the places behind it.
//!
//! [`LocalCaps`] is the store alone. Whatever the place, what decides is in the store's tables: the ledger never asks
//! anybody else.
//!
//! It knows no SQL and serves no HTTP. To add a place: implement [`BudgetCaps`] in a room of its own.

mod error;
mod local;
mod place;

pub use error::CapsError;
pub use local::LocalCaps;
pub use place::{BudgetCaps, CapWriting, PlaceStatus};
pub use portal::PortalError;
