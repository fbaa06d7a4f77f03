//! The AI gateway: it authenticates, reserves the worst case, forwards, meters and settles.
//!
//! A request's way: `routes` lets the caller in (`access`) and reads the body (`wire`), `pipeline` bounds its
//! cost (`worst_case`) and has it admitted (`admission`, with `queue` for those who wait), forwards it
//! (`upstream`, `headers`) and hands the answer on (`stream`, `plain`) while it is metered. What the provider keeps of
//! the answer is noted for the caller, and nobody else may name it (`stored_responses`). The reservation is
//! in the hands of `held`, which closes it exactly once through `settle`; all of them reach the ledger through
//! `batcher`, many at a time. `lease` and `progress` are for the case that this process dies. Around all of it stands
//! `presence`, which turns the client away when its access ends meanwhile. What this program asks itself, for turns of
//! chats, joins the same way in `ask`.
//!
//! To add an endpoint of a provider: a variant of `upstream::Endpoint` and its row in `routes::endpoint`.
//! The pure reading and writing of provider formats lives in [`wire`], which knows nothing of the rest.

mod access;
mod admission;
mod ask;
mod asked;
mod batcher;
mod body;
mod config;
mod drain;
mod gateway;
mod headers;
mod held;
mod house;
mod lanes;
mod lease;
mod ledger;
mod pass;
mod pipeline;
mod plain;
mod presence;
mod prices;
mod progress;
mod queue;
mod refusals;
mod routes;
mod settle;
mod stored_responses;
mod stream;
mod telemetry;
mod upstream;
pub mod wire;
mod worst_case;

#[cfg(test)]
mod tests;

pub use ask::{Answer, AskFor, AskRefusal, Asking, ServerLease};
pub use config::GatewayConfig;
pub use gateway::{Gateway, SpendHint};
pub use house::{GatewayDeps, StoreLedger};
pub use ledger::{Ledger, ReserveFailure};
pub use routes::router;
pub use telemetry::BUCKETS;
pub use upstream::UpstreamBuildError;
