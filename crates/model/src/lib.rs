//! The domain: ids, money, time, budgets, spend, prices, people. Pure: no I/O, no HTTP, no SQL.
//!
//! To add a feature, add a module of the feature's name here, then the module of the same name on each
//! floor above (`store`, `db`, `dbauthz`, `sdk`, `api`).

pub mod acl;
pub mod addresses;
pub mod admission;
pub mod alerts;
pub mod api_keys;
pub mod audit;
pub mod budgets;
pub mod caps;
mod change;
pub mod chats;
pub mod clients;
pub mod clock;
pub mod deliveries;
pub mod external_usage;
pub mod feature_flags;
pub mod groups;
pub mod identities;
pub mod idpsync;
pub mod ids;
pub mod metering;
pub mod money;
pub mod names;
pub mod notifications;
pub mod organizations;
pub mod page;
pub mod prices;
pub mod providers;
pub mod roles;
pub mod spend;
pub mod spend_reports;
pub mod stored_responses;
pub mod subjects;
pub mod system_roles;
pub mod users;
pub mod webhooks;
pub mod workspaces;

pub use change::Change;
pub use clock::{Clock, IdSource, SystemClock, UuidV7Source};
pub use ids::*;
pub use money::Micros;
pub use names::{Name, NameError};
pub use page::{Page, PageRequest};
