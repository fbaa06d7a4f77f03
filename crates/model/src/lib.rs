//! The domain: ids, money, time, budgets, spend, prices, people. Pure: no I/O, no HTTP, no SQL.
//!
//! To add a feature, add a module of the feature's name here, then the module of the same name on each
//! floor above (`store`, `db`, `dbauthz`, `sdk`, `api`).

pub mod addresses;
pub mod admission;
pub mod api_keys;
pub mod audit;
pub mod budgets;
mod change;
pub mod clock;
pub mod groups;
pub mod ids;
pub mod metering;
pub mod money;
pub mod names;
pub mod organizations;
pub mod page;
pub mod prices;
pub mod providers;
pub mod spend;
pub mod subjects;
pub mod users;

pub use change::Change;
pub use clock::{Clock, IdSource, SystemClock, UuidV7Source};
pub use ids::*;
pub use money::Micros;
pub use names::Name;
pub use page::{Page, PageRequest};
