//! Everything that is derived, written from its one source; `--check` fails on what is stale.

mod openapi;
mod rbac;
mod schema;
mod sdk;
mod typescript;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, bail};

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
}

/// Writes the derived files, or only compares them.
///
/// # Errors
/// When something cannot be derived, or, with `check`, when a file is stale.
#[expect(
    clippy::print_stdout,
    reason = "a command that people run tells them what it wrote"
)]
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let document = serde_json::to_value(api::openapi())?;
    let outputs = [
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
    ];
    let stale: Vec<_> = outputs
        .iter()
        .filter(|output| fs::read_to_string(&output.path).ok().as_ref() != Some(&output.text))
        .collect();
    for output in &stale {
        if !check {
            fs::write(&output.path, &output.text)
                .with_context(|| format!("`{}` cannot be written", output.path.display()))?;
        }
        println!(
            "{} {}",
            if check { "stale:" } else { "wrote" },
            output.path.display()
        );
    }
    if check && !stale.is_empty() {
        bail!("derived files are stale: run `cargo xtask codegen` and commit what it writes");
    }
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
