//! `cargo xtask bench authz` and `cargo xtask fuzz authz`: programs of the crate `rbac`, which is small enough to be
//! built optimised in no time.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::paths::root;

/// Measures the engine.
///
/// # Errors
/// When the program cannot be built or run.
pub(crate) fn bench() -> anyhow::Result<()> {
    run("authz", &[])
}

/// Compares the engine with the naive evaluator.
///
/// # Errors
/// When the program cannot be built or run, or when a case differs.
pub(crate) fn fuzz(cases: u64, seed: u64) -> anyhow::Result<()> {
    run("fuzz", &[cases.to_string(), seed.to_string()])
}

fn run(program: &str, arguments: &[String]) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args([
            "bench",
            "--quiet",
            "--package",
            "rbac",
            "--bench",
            program,
            "--",
        ])
        .args(arguments)
        .current_dir(root())
        .status()
        .context("`cargo` cannot be started")?;
    ensure!(status.success(), "`{program}` failed: {status}");
    Ok(())
}
