//! Client libraries against a running demo. The official ones of AI providers for Python: plain and streamed calls, a
//! refused call, the error classes. Those for GraphQL, for Python and Node.js: what an administrator does about caps.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use crate::{node, paths::root};

/// How long the demo may take to tell its story and write its details.
const DEMO_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs the check. The virtual environment is kept under `target/` for the next time.
///
/// # Errors
/// A library that cannot be installed, a demo that does not start, a check that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let python = virtual_environment()?;
    let modules = node::modules("clients", &["caps.graphql", "caps.mjs"])?;
    run_in("cargo", &["build", "--release", "--package", "bursar"])?;
    let folder = tempfile::tempdir()?;
    let details = folder.path().join("details.json");
    let mut demo = Command::new(root().join("target/release/bursar"))
        .args(["demo", "--details-file"])
        .arg(&details)
        .stdout(Stdio::null())
        .spawn()
        .context("the demo cannot be started")?;
    let outcome = await_file(&mut demo, &details).and_then(|()| {
        let scripts = root().join("xtask/clients");
        check(&python, &scripts.join("check.py"), &details)?;
        check(&python, &scripts.join("caps.py"), &details)?;
        check(Path::new("node"), &modules.join("caps.mjs"), &details)
    });
    stop(&mut demo)?;
    outcome
}

fn check(program: &Path, script: &Path, details: &Path) -> anyhow::Result<()> {
    let status = Command::new(program).arg(script).arg(details).status()?;
    let script = script.display();
    ensure!(status.success(), "`{script}` found a difference");
    Ok(())
}

fn virtual_environment() -> anyhow::Result<std::path::PathBuf> {
    let folder = root().join("target/clients-venv");
    let python = folder.join("bin/python");
    let wanted = fs::read_to_string(root().join("xtask/clients/requirements.txt"))?;
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    let folder_text = folder.to_string_lossy();
    run_in("python3", &["-m", "venv", "--clear", &folder_text])?;
    let requirements = "xtask/clients/requirements.txt";
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ];
    run_in(
        &python.to_string_lossy(),
        &[&arguments[..], &[requirements]].concat(),
    )?;
    fs::write(installed, wanted)?;
    Ok(python)
}

fn run_in(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let line = format!("{program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .with_context(|| format!("`{line}` cannot be started"))?;
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
}

fn await_file(demo: &mut Child, file: &Path) -> anyhow::Result<()> {
    let start = Instant::now();
    while !file.exists() {
        if let Some(status) = demo.try_wait()? {
            bail!("the demo ended before it was ready: {status}");
        }
        ensure!(
            start.elapsed() < DEMO_TIMEOUT,
            "the demo is not ready in time"
        );
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Stops the demo as a person would, so that its PostgreSQL stops with it.
fn stop(demo: &mut Child) -> anyhow::Result<()> {
    if demo.try_wait()?.is_none() {
        run_in("kill", &["-INT", &demo.id().to_string()])?;
    }
    let status = demo.wait()?;
    ensure!(status.success(), "the demo did not stop cleanly: {status}");
    Ok(())
}
