//! Everything that is derived, written from its one source; `--check` fails on what is stale.

mod openapi;
mod policy;
mod rbac;
mod schema;
mod sdk;
mod typescript;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, bail, ensure};

use crate::paths::root;

/// A derived file and what it should say.
struct Output {
    path: PathBuf,
    text: String,
}

impl Output {
    fn new(path: &str, text: String) -> Self {
        Self {
            path: root().join(path),
            text,
        }
    }

    /// A Rust file, formatted as the rest of the repository is.
    fn rust(path: &str, text: &str) -> anyhow::Result<Self> {
        Ok(Self::new(path, rustfmt(text)?))
    }

    fn stale(&self) -> bool {
        fs::read_to_string(&self.path).ok().as_ref() != Some(&self.text)
    }

    #[expect(
        clippy::print_stdout,
        reason = "a command that people run tells them what it wrote"
    )]
    fn write(&self) -> anyhow::Result<()> {
        fs::write(&self.path, &self.text)
            .with_context(|| format!("`{}` cannot be written", self.path.display()))?;
        println!("wrote {}", self.path.display());
        Ok(())
    }
}

/// Writes the derived files, or only compares them.
///
/// # Errors
/// When something cannot be derived, or, with `check`, when a file is stale.
#[expect(
    clippy::print_stdout,
    reason = "a command that people run tells them what is stale"
)]
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let policy = policy::Policy::read()?;
    let registry = Output::rust("crates/rbac/src/generated.rs", &policy.rust()?)?;
    if !check && registry.stale() {
        // Everything else is derived from programs that hold the registry: build them anew with it first.
        registry.write()?;
        return again();
    }
    let document = serde_json::to_value(api::openapi())?;
    let outputs = [
        registry,
        Output::new("docs/generated/rbac.ts", policy.typescript()?),
        Output::rust("crates/db/src/schema.rs", &schema::generate()?)?,
        Output::new("docs/generated/openapi.json", openapi::generate(&document)?),
        Output::rust(
            "crates/sdk/src/client/generated.rs",
            &sdk::generate(&document)?,
        )?,
        Output::new(
            "docs/generated/bursar.d.ts",
            typescript::generate(&document)?,
        ),
        Output::new("docs/generated/rbac.md", rbac::generate()),
        Output::new("docs/generated/schema.graphql", api::graphql_sdl()),
    ];
    let stale: Vec<_> = outputs.iter().filter(|output| output.stale()).collect();
    for output in &stale {
        if check {
            println!("stale: {}", output.path.display());
        } else {
            output.write()?;
        }
    }
    if check && !stale.is_empty() {
        bail!("derived files are stale: run `cargo xtask codegen` and commit what it writes");
    }
    Ok(())
}

fn again() -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["xtask", "codegen"])
        .current_dir(root())
        .status()
        .context("`cargo` cannot be started")?;
    ensure!(status.success(), "`cargo xtask codegen` failed: {status}");
    Ok(())
}

fn rustfmt(text: &str) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("generated.rs");
    fs::write(&file, text)?;
    let status = Command::new("rustfmt")
        .arg("--config-path")
        .arg(root().join("rustfmt.toml"))
        .args(["--edition", "2024"])
        .arg(&file)
        .status()
        .context("`rustfmt` cannot be started")?;
    if !status.success() {
        bail!("generated code is not well-formed:\n{text}");
    }
    Ok(fs::read_to_string(&file)?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn derived_files_are_current() {
        super::run(true).unwrap();
    }
}
