//! `cargo xtask bench ledger`, `cargo xtask bench caps`, `cargo xtask bench chats` and `cargo xtask race`: programs that
//! need a database or the whole house.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::paths::root;

/// Measures the ledger beside pgbench on one server, for a few seconds when `short`.
///
/// # Errors
/// When the program cannot be built or run, or the ledger does not balance after it.
pub(crate) fn bench(short: bool) -> anyhow::Result<()> {
    let line = [
        "bench",
        "--quiet",
        "--package",
        "testkit",
        "--bench",
        "ledger",
        "--",
    ];
    cargo(line.into_iter().chain(short.then_some("--short")))
}

/// Measures setting 200 people's own caps at once.
///
/// # Errors
/// When the program cannot be built or run, or it takes more than one statement.
pub(crate) fn bench_caps() -> anyhow::Result<()> {
    cargo([
        "bench",
        "--quiet",
        "--package",
        "testkit",
        "--bench",
        "caps",
    ])
}

/// Measures chats: reading them at the database, then streams and changes of access at two servers; a tenth of it when
/// `short`.
///
/// # Errors
/// When a program cannot be built or run, something read all chats, or a change of access was not seen by the next read.
pub(crate) fn bench_chats(short: bool) -> anyhow::Result<()> {
    for package in ["db", "testkit"] {
        let line = [
            "bench",
            "--quiet",
            "--package",
            package,
            "--bench",
            "chats",
            "--",
        ];
        cargo(line.into_iter().chain(short.then_some("--short")))?;
    }
    Ok(())
}

/// Runs the long race.
///
/// # Errors
/// When it cannot be built or run, or a limit was passed.
pub(crate) fn race() -> anyhow::Result<()> {
    cargo([
        "test",
        "--package",
        "bursar",
        "--test",
        "it",
        "--",
        "--ignored",
        "--nocapture",
        "race::",
    ])
}

fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(arguments)
        .current_dir(root())
        .status()
        .context("`cargo` cannot be started")?;
    ensure!(status.success(), "it failed: {status}");
    Ok(())
}
