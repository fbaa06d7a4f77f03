//! Bursar's wire types, and with the feature `client` (on by default) an HTTP client for them.
//!
//! The shapes follow Coder's REST API, so that a program written for it works unchanged on the same paths.
//! Requests ignore fields that they do not know; a `null` list is an empty one; an empty optional text is
//! an absent one, since existing clients send all of these. The crate depends on no other crate of the
//! house and knows no rules: the server judges.
//!
//! # Using the client
//!
//! Each operation of the HTTP API is a method of [`Client`], by the operation's name. A token is that of a session, or an
//! API token.
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn example() -> Result<(), bursar_sdk::client::Error> {
//! use bursar_sdk::{Client, LoginWithPasswordRequest};
//!
//! let nobody = Client::new("http://127.0.0.1:7080")?;
//! let session = nobody
//!     .login(&LoginWithPasswordRequest {
//!         email: "ben@example.com".to_owned(),
//!         password: "a-long-enough-password".into(),
//!     })
//!     .await?;
//! let ben = nobody.with_token(session.session_token);
//! let spend = ben.spend_get("me").await?;
//! println!("{} micro-dollars spent, left: {:?}", spend.current_spend_micros, spend.remaining_micros);
//! # Ok(())
//! # }
//! ```
//!
//! A refusal is an [`ApiError`], with the status, a message for people, what is wrong with single fields, and the
//! request's id in the server's log. For want of budget it holds the figures:
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn example(robot: bursar_sdk::Client) -> Result<(), bursar_sdk::client::Error> {
//! use bursar_sdk::{AiReservationAction, Change, CreateAiReservationRequest, PatchAiReservationRequest};
//!
//! let ask = CreateAiReservationRequest {
//!     idempotency_key: "req-7".to_owned(),
//!     user: "ben".to_owned(),
//!     provider: "openai".to_owned(),
//!     model: "gpt-5-mini".to_owned(),
//!     hold_micros: 40_000,
//!     expires_in_s: Some(120),
//!     ..CreateAiReservationRequest::default()
//! };
//! match robot.external_reservation_create(&ask).await {
//!     Ok(hold) => {
//!         // The request is sent to the provider here; then it is told what it cost.
//!         let settle = PatchAiReservationRequest {
//!             action: AiReservationAction::Settle,
//!             cost_micros: Change::Set(12_500),
//!             ..PatchAiReservationRequest::default()
//!         };
//!         robot.external_reservation_update(hold.id, &settle).await?;
//!     }
//!     Err(error) => match error.api().and_then(|refused| refused.budget.as_ref()) {
//!         Some(budget) => println!("{:?}: {:?} left", budget.kind, budget.limit.remaining_micros),
//!         None => return Err(error),
//!     },
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Where the server says when to try again, [`ApiError::retry_after`] has it. A list of chats comes in pages, and
//! [`Client::chat_pages`] goes through them.
//!
//! # Adding to it
//!
//! To add a type, put it in the module of its feature; every type has a unique name and is found at the
//! root. A query of the operation `user_list` is the struct `UserListQuery`: the generated client relies on it.

mod acl;
mod api_keys;
mod audit;
mod authorization;
mod budgets;
mod change;
mod chats;
#[cfg(feature = "client")]
pub mod client;
mod deployment;
mod error;
mod external_usage;
mod feature_flags;
mod groups;
mod identities;
mod idpsync;
mod lenient;
mod notifications;
mod organizations;
mod prices;
mod providers;
mod roles;
mod secret;
mod spend;
mod spend_reports;
mod system_roles;
mod users;
mod webhooks;
mod workspaces;

pub use acl::*;
pub use api_keys::*;
pub use audit::*;
pub use authorization::*;
pub use budgets::*;
pub use change::Change;
pub use chats::*;
#[cfg(feature = "client")]
pub use client::{ApiError, Client};
pub use deployment::*;
pub use error::*;
pub use external_usage::*;
pub use feature_flags::*;
pub use groups::*;
pub use identities::*;
pub use idpsync::*;
pub use notifications::*;
pub use organizations::*;
pub use prices::*;
pub use providers::*;
pub use roles::*;
pub use secret::Secret;
pub use spend::*;
pub use spend_reports::*;
pub use system_roles::*;
pub use users::*;
pub use webhooks::*;
pub use workspaces::*;
