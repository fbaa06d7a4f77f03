//! Modules from the npm registry, of exactly the versions that a lock file names, kept under `target/` for the next time.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use crate::paths::root;

/// A folder below `target/` with these files of a folder of xtask, and the modules that its lock file names.
///
/// # Errors
/// A Node.js that is missing or too old; modules that cannot be installed.
pub(crate) fn modules(from: &str, files: &[&str]) -> anyhow::Result<PathBuf> {
    check_version()?;
    let (from, folder) = (
        root().join("xtask").join(from),
        root().join("target").join(from),
    );
    fs::create_dir_all(&folder)?;
    let lock = "package-lock.json";
    let wanted = fs::read_to_string(from.join(lock))?;
    for file in ["package.json", lock].iter().chain(files) {
        fs::copy(from.join(file), folder.join(file))?;
    }
    let installed = folder.join("installed.json");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(folder);
    }
    // No module needs a script of its own to be installed, and none gets to run one.
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    run_in(&folder, Command::new("npm").args(arguments))?;
    fs::write(installed, wanted)?;
    Ok(folder)
}

/// Refuses a Node.js that the modules do not run on.
fn check_version() -> anyhow::Result<()> {
    let output = Command::new("node").arg("--version").output();
    let output =
        output.context("`node` cannot be started; install Node.js 20 or newer, and npm")?;
    let version = String::from_utf8_lossy(&output.stdout);
    let major = version.trim().trim_start_matches('v').split('.').next();
    let major: u32 = major.unwrap_or_default().parse().unwrap_or_default();
    ensure!(
        major >= 20,
        "the modules need Node.js 20 or newer; this is `{}`",
        version.trim()
    );
    Ok(())
}

/// Runs a command in a folder.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn run_in(folder: &Path, command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let status = command
        .current_dir(folder)
        .status()
        .with_context(|| format!("{shown} cannot be started"))?;
    ensure!(status.success(), "{shown} failed: {status}");
    Ok(())
}
