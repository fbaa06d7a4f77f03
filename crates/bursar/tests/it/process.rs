//! A process of the program under test: its lines, its signals, its end.

use std::{
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use secrecy::ExposeSecret;
use testkit::TestDatabase;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Long enough for a start on a busy machine; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs it to its end.
pub(crate) async fn run(arguments: &[&str]) -> Output {
    run_with(arguments, &[]).await
}

/// Runs it to its end, with variables of its own.
pub(crate) async fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = command(arguments);
    command.envs(variables.iter().copied());
    timeout(PATIENCE, command.output())
        .await
        .expect("it does not end")
        .unwrap()
}

/// A program that goes on running; killed when dropped.
pub(crate) struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(arguments);
        let mut child = command
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that contains this.
    pub(crate) async fn line_with(&mut self, part: &str) -> String {
        let read = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(part) {
                    return line;
                }
            }
            panic!("it ended without a line with {part:?}");
        };
        timeout(PATIENCE, read)
            .await
            .expect("the line does not come")
    }

    /// Asks it to stop, as a service manager does.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.signal("-TERM").await;
        self.ended().await
    }

    /// Sends a signal and does not wait.
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("it has ended").to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .await
                .unwrap()
                .success()
        );
    }

    /// Ends it as a crash does, with no chance to tidy up.
    pub(crate) async fn crash(mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait())
            .await
            .expect("it does not end")
            .unwrap()
    }
}

/// Runs it with a server's variables for this database.
pub(crate) async fn run_on(database: &TestDatabase, arguments: &[&str]) -> Output {
    let url = database.app_url();
    let owner = database.owner_url();
    let variables = [
        ("BURSAR_DATABASE_URL", url.expose_secret()),
        ("BURSAR_MIGRATE_DATABASE_URL", owner.expose_secret()),
    ];
    run_with(arguments, &variables).await
}

/// What a command printed that succeeded.
pub(crate) fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command complained of that failed.
pub(crate) fn failed(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}
