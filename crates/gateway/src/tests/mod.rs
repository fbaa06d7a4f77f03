//! The gateway over real HTTP on loopback: a fake provider behind it, a ledger in memory beside it.

mod admission;
mod answers;
mod ask;
mod batches;
mod entrance;
mod fakes;
mod house;
mod metering;
mod presence;
mod refusals;
mod responses;
pub(crate) mod rig;
mod stored_responses;
mod streams;
mod trouble;
