//! A real identity provider, from the npm registry, against a real server: people sign in through its forms.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use crate::paths::root;

/// What the provider is made of; the folder that it runs in holds copies.
const FILES: [&str; 3] = ["package.json", "package-lock.json", "provider.mjs"];

/// Runs the check. The provider's modules are kept under `target/` for the next time.
///
/// # Errors
/// Modules that cannot be installed, a server that does not start, a check that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let folder = modules()?;
    run_in(
        &root(),
        Command::new("cargo").args(["build", "--release", "--package", "bursar"]),
    )?;
    let check = Command::new("python3")
        // Nothing is written into the tree.
        .arg("-B")
        .arg(root().join("xtask/oidc/check.py"))
        .arg(root().join("target/release/bursar"))
        .arg(folder)
        .status()
        .context("`python3` cannot be started")?;
    ensure!(
        check.success(),
        "sign-in at the provider found a difference"
    );
    Ok(())
}

/// The folder with the provider and its modules, of exactly the versions that the lock file names.
fn modules() -> anyhow::Result<PathBuf> {
    node()?;
    let (from, folder) = (root().join("xtask/oidc"), root().join("target/oidc"));
    fs::create_dir_all(&folder)?;
    let wanted = fs::read_to_string(from.join("package-lock.json"))?;
    for file in FILES {
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

/// Refuses a Node.js that the provider does not run on.
fn node() -> anyhow::Result<()> {
    let output = Command::new("node").arg("--version").output();
    let output =
        output.context("`node` cannot be started; install Node.js 20 or newer, and npm")?;
    let version = String::from_utf8_lossy(&output.stdout);
    let major = version.trim().trim_start_matches('v').split('.').next();
    let major: u32 = major.unwrap_or_default().parse().unwrap_or_default();
    ensure!(
        major >= 20,
        "the identity provider needs Node.js 20 or newer; this is `{}`",
        version.trim()
    );
    Ok(())
}

fn run_in(folder: &Path, command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let status = command
        .current_dir(folder)
        .status()
        .with_context(|| format!("{shown} cannot be started"))?;
    ensure!(status.success(), "{shown} failed: {status}");
    Ok(())
}
