//! A fake AI provider on loopback, for the demo and for tests: it speaks the wire formats of OpenAI (chat completions and
//! responses) and Anthropic, plain and streamed, and behaves as badly as its [`Script`] says.
//!
//! It must not know of Bursar: it depends on no other crate of ours, so that a test of the gateway is a test against
//! somebody else. It is deterministic (ids are counted, texts and times are fixed) and takes a free port.
//!
//! To add a behaviour: a field or a variant in `script.rs`, read in `plan.rs` (what is answered) or `deliver.rs` (how).
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use fakeprovider::{FakeProvider, Fault, Script};
//!
//! let fake = FakeProvider::start(Script::default()).await?;
//! let url = format!("{}/chat/completions", fake.openai_base_url());
//! fake.handle().change(|script| script.fault = Fault::Hang);
//! fake.stop().await;
//! # Ok(())
//! # }
//! ```

mod anthropic;
mod deliver;
mod openai;
mod plan;
mod record;
mod responses;
mod routes;
mod script;
mod server;

pub use record::{Outcome, Recorded};
pub use script::{Fault, Gate, Output, Prompt, Script, UsageStyle};
pub use server::{FakeProvider, Handle};
