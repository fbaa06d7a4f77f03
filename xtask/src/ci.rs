//! What CI runs, in order, failing fast. `.ci/run` prepares a bare machine and calls this.

use std::{process::Command, time::Instant};

use anyhow::{Context, ensure};

use crate::paths::root;

/// Each step: what it is for, and its command line.
const STEPS: &[(&str, &str)] = &[
    ("format", "cargo fmt --all --check"),
    (
        "lints",
        "cargo clippy --workspace --all-targets --locked -- -D warnings",
    ),
    ("tests", "cargo test --workspace"),
    ("derived files", "cargo xtask codegen --check"),
    ("the demo", "cargo run --release -- demo --exit"),
    ("client libraries", "cargo xtask clients"),
    ("sign-in at a real provider", "cargo xtask oidc"),
    ("the ledger's speed", "cargo xtask bench ledger --short"),
];

/// Runs the steps.
///
/// # Errors
/// The first step that fails.
#[expect(
    clippy::print_stdout,
    reason = "a command that people run tells them how far it is"
)]
pub(crate) fn run() -> anyhow::Result<()> {
    let start = Instant::now();
    for (name, line) in STEPS {
        println!("\n== {name}: {line} [{} s]", start.elapsed().as_secs());
        let mut words = line.split(' ');
        let program = words.next().context("an empty step")?;
        let status = Command::new(program)
            .args(words)
            .current_dir(root())
            .status()
            .with_context(|| format!("`{line}` cannot be started"))?;
        ensure!(status.success(), "`{line}` failed: {status}");
    }
    println!("\n== all passed in {} s", start.elapsed().as_secs());
    Ok(())
}
