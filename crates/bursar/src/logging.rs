//! Log lines on standard error, for people or as JSON. Nothing that is logged holds a secret.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::cli::LogFormat;

/// Parts of the program that write out the values they work with, below `info`: the database's client tells
/// every statement and its parameters, hashes of passwords and of keys among them.
const TALKATIVE: [&str; 2] = ["tokio_postgres", "postgres_protocol"];

/// Starts logging for the whole process.
///
/// # Errors
/// A filter that cannot be read.
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(filter)
        .with_context(|| format!("`{filter}` is no log level or list of `target=level`"))?;
    let lines = fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    // Apart from the filter that was asked for: whatever that says, secrets stay out.
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(discreet));
    match format {
        LogFormat::Human => registry.with(lines.with_target(false)).try_init(),
        // Only the list of spans: the innermost is its last.
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false);
            registry.with(lines).try_init()
        }
    }
    .context("logging is started already")
}

/// Whether a line may be written at all.
fn discreet(line: &Metadata<'_>) -> bool {
    let part = line.target().split("::").next().unwrap_or_default();
    *line.level() <= Level::INFO || !TALKATIVE.contains(&part)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Where the lines of a test go.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn statements_with_their_passwords_are_never_logged() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::registry()
            .with(EnvFilter::new("trace,tokio_postgres=trace"))
            .with(filter_fn(discreet))
            .with(fmt::layer().with_writer(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "tokio_postgres::query", "secret statement");
            tracing::trace!(target: "tokio_postgres", "secret statement");
            tracing::warn!(target: "tokio_postgres::connection", "a warning");
            tracing::trace!(target: "gateway", "a trace");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("secret statement"), "{text}");
        assert!(
            text.contains("a warning") && text.contains("a trace"),
            "{text}"
        );
    }
}
