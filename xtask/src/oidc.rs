//! A real identity provider, from the npm registry, against a real server: people sign in through its forms.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::{
    node::{modules, run_in},
    paths::root,
};

/// Runs the check. The provider's modules are kept under `target/` for the next time.
///
/// # Errors
/// Modules that cannot be installed, a server that does not start, a check that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let folder = modules("oidc", &["provider.mjs"])?;
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
