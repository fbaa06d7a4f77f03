//! The client of a customers portal, the second place where budget caps can live: the GraphQL API by which an upstream
//! billing system keeps a subscription's caps.
//!
//! It reads all caps ([`Portal::budget_caps`]) or some people's ([`Portal::user_overrides`]), says who is stopped
//! ([`Portal::blocked_statuses`]), and writes the flat cap ([`Portal::flat_user_cap_upsert`]) and people's own
//! ([`Portal::user_overrides_upsert`]). A namespace is asked for with admin headers, the instance by its licence.
//!
//! # What holds here
//!
//! - **Nothing is guessed.** An answer is data of the shape that was asked for, or a [`PortalError`] with a stable
//!   [code](PortalError::code). Errors are looked for in every place where a portal puts them: the status, the
//!   top level, the data, the payload. Null says "none" only where the portal means it by that; a field that is left
//!   out says nothing, so it is an error.
//! - **Amounts are exact.** They are read from the text of their JSON numbers into micros, without a float; more than
//!   six decimals are an error of the portal's, and never rounded.
//! - **It ends.** Each exchange, each page and each read has its time, answers have a greatest size, pages have an end. Reads are
//!   tried again with growing, random pauses ([`RetryPolicy`]); writes are not, since a portal that fails may have
//!   done them. A scope about which the portal keeps failing is left alone for a while
//!   ([`BreakerPolicy`]), and no other is for that.
//! - **Secrets stay here.** The licence and the admin's token are in no error and in no `Debug`; what the portal writes
//!   is withheld when it repeats them. No redirect is followed, so they go to one address.
//!
//! It knows nothing of what the caps are for, of our own ids, and of what is kept in between: whoever uses it maps ids to the
//! portal's entity ids and mirrors what is read. To add an operation: its document and shapes in a room of `wire`,
//! what it tells in `types`, and a method on [`Portal`].

mod answer;
mod breaker;
mod config;
mod error;
mod money;
mod portal;
mod retry;
mod transport;
mod types;
mod wire;
mod withheld;

pub use config::{
    AdminCredentials, BreakerPolicy, Licence, PortalConfig, PortalScope, PortalSetupError,
    RetryPolicy,
};
pub use error::{Malformation, PortalError};
pub use portal::Portal;
pub use types::{
    PortalBlockedStatus, PortalCaps, PortalDates, PortalFlatCap, PortalOverride,
    PortalOverrideUpsert, PortalSubscriptionCaps,
};
