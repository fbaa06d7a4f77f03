//! The server process: its settings, its start, its end, and the watchdog that outlives Bursar.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::account::{self, Account};
use super::folder::DataFolder;
use super::leftover::QUIT_TIMEOUT;
use super::{Durability, LocalConfig, LocalError, Programs};

/// A log larger than this is put aside at the next start.
const LARGEST_LOG_BYTES: u64 = 16 * 1024 * 1024;
/// How much of the log an error shows at most.
const LOG_TAIL_BYTES: u64 = 4096;

/// A running server. Dropped without [`Postmaster::stop`], it is told to stop but not waited for.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    watchdog: Option<Child>,
    drop_signal: Signal,
    log_file: PathBuf,
    log_start: u64,
}

impl Postmaster {
    /// Starts `postgres` in its own process group, so that Ctrl-C at a terminal reaches only Bursar.
    pub(super) fn launch(
        folder: &DataFolder,
        programs: &Programs,
        account: Option<&Account>,
        socket_folder: &Path,
        config: &LocalConfig,
    ) -> Result<Postmaster, LocalError> {
        let log_file = folder.log_file();
        let (log, log_start) = open_log(&log_file)?;
        let program = programs.program("postgres");
        let mut command = account::command(&program, account);
        command.arg("-D").arg(folder.cluster());
        for (name, value) in settings(folder, socket_folder, config) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let errors = log.try_clone().map_err(LocalError::io("open", &log_file))?;
        command.process_group(0).stdout(log).stderr(errors);
        let child = command
            .spawn()
            .map_err(LocalError::io("run the program", &program))?;
        let drop_signal = match config.durability {
            Durability::Durable => Signal::INT,
            Durability::Throwaway => Signal::QUIT,
        };
        let watchdog = watchdog(child.id(), drop_signal, account);
        Ok(Postmaster {
            child,
            watchdog,
            drop_signal,
            log_file,
            log_start,
        })
    }

    /// The error to report if the server has ended by itself.
    pub(super) fn ended(&mut self) -> Result<Option<LocalError>, LocalError> {
        let status = self
            .child
            .try_wait()
            .map_err(LocalError::io("watch", &self.log_file))?;
        Ok(status.map(|status| self.exit_error(status)))
    }

    /// Waits until the server ends by itself.
    pub(super) async fn exited(&mut self) -> LocalError {
        match self.child.wait().await {
            Ok(status) => self.exit_error(status),
            Err(error) => LocalError::io("watch", &self.log_file)(error),
        }
    }

    fn exit_error(&mut self, status: ExitStatus) -> LocalError {
        self.watchdog = None; // the process number may soon belong to somebody else
        LocalError::Exited {
            status,
            log_file: self.log_file.clone(),
            log_tail: self.log_tail(),
        }
    }

    /// Fast shutdown (clients are cut off, everything committed is kept); at once if that takes too long.
    pub(super) async fn stop(&mut self, patience: std::time::Duration) -> Result<(), LocalError> {
        for (signal, patience) in [(Signal::INT, patience), (Signal::QUIT, QUIT_TIMEOUT)] {
            self.signal(signal);
            match timeout(patience, self.child.wait()).await {
                Ok(Ok(status)) => {
                    self.watchdog = None;
                    tracing::debug!(%status, "PostgreSQL stopped");
                    return Ok(());
                }
                Ok(Err(error)) => return Err(LocalError::io("watch", &self.log_file)(error)),
                Err(_) => tracing::warn!(?signal, "PostgreSQL takes too long to stop"),
            }
        }
        Err(LocalError::DoesNotStop {
            pid: self.pid().map_or(0, |pid| pid.as_raw_nonzero().get()),
        })
    }

    /// The last lines that this server has logged.
    pub(super) fn log_tail(&self) -> String {
        read_tail(&self.log_file, self.log_start).unwrap_or_default()
    }

    pub(super) fn log_file(&self) -> &Path {
        &self.log_file
    }

    fn pid(&self) -> Option<Pid> {
        process_number(self.child.id()?)
    }

    /// Signals the server if it has not been seen to end; until then its number is its own.
    fn signal(&self, signal: Signal) {
        let Some(pid) = self.pid() else { return };
        if let Err(error) = kill_process(pid, signal) {
            tracing::debug!(%error, "PostgreSQL could not be signalled");
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        self.signal(self.drop_signal);
    }
}

/// Starts a shell that waits on a pipe for the end of Bursar, however it comes, and then stops the server.
///
/// Without it, a killed Bursar or a test run that ends would leave a server behind. It is a convenience:
/// where there is no shell, the next start stops the server instead.
fn watchdog(server: Option<u32>, signal: Signal, account: Option<&Account>) -> Option<Child> {
    let name = if signal == Signal::QUIT {
        "QUIT"
    } else {
        "INT"
    };
    let mut command: Command = account::command(Path::new("/bin/sh"), account);
    command
        .args([
            "-c",
            r#"trap "" INT TERM HUP; read -r line; kill -s "$1" "$2""#,
            "bursar-watchdog",
        ])
        .arg(name)
        .arg(server?.to_string())
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
        .spawn()
        .inspect_err(|error| tracing::debug!(%error, "no watchdog"))
        .ok()
}

fn process_number(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

/// The server's settings; later ones win. None is secret: every user of the machine can see them.
fn settings(
    folder: &DataFolder,
    socket_folder: &Path,
    config: &LocalConfig,
) -> Vec<(String, String)> {
    let hba_file = folder.hba_file();
    let fixed = [
        ("listen_addresses", String::new()),
        ("port", "5432".to_owned()),
        (
            "unix_socket_directories",
            socket_folder.to_string_lossy().into_owned(),
        ),
        ("unix_socket_permissions", "0700".to_owned()),
        ("hba_file", hba_file.to_string_lossy().into_owned()),
        ("password_encryption", "scram-sha-256".to_owned()),
        ("ssl", "off".to_owned()),
        ("max_connections", config.max_connections.to_string()),
        ("shared_buffers", "128MB".to_owned()),
        ("jit", "off".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("log_timezone", "UTC".to_owned()),
        ("lc_messages", "C".to_owned()),
        ("log_destination", "stderr".to_owned()),
        ("logging_collector", "off".to_owned()),
        ("log_checkpoints", "off".to_owned()),
        ("log_line_prefix", "%m [%p] %q%u@%d ".to_owned()),
        ("cluster_name", "bursar".to_owned()),
    ];
    let throwaway = match config.durability {
        Durability::Durable => [].as_slice(),
        Durability::Throwaway => [
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("wal_level", "minimal"),
            ("max_wal_senders", "0"),
        ]
        .as_slice(),
    };
    let throwaway = throwaway
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let ours = fixed.into_iter().chain(throwaway);
    ours.map(|(name, value)| (name.to_owned(), value))
        .chain(config.settings.clone())
        .collect()
}

/// Opens the log for appending and tells how long it is. Bursar opens it, so it stays Bursar's file.
fn open_log(path: &Path) -> Result<(File, u64), LocalError> {
    let open = || {
        if path
            .metadata()
            .is_ok_and(|metadata| metadata.len() > LARGEST_LOG_BYTES)
        {
            fs::rename(path, path.with_extension("log.1"))?;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    };
    open().map_err(LocalError::io("open", path))
}

/// The end of a file, from `start` on, at most [`LOG_TAIL_BYTES`] of it.
fn read_tail(path: &Path, start: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(
        start.max(length.saturating_sub(LOG_TAIL_BYTES)),
    ))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_is_its_own_and_short() {
        let temporary = tempfile::tempdir().expect("folder");
        let path = temporary.path().join("log");
        fs::write(&path, format!("old\n{}last\n", "x".repeat(10_000))).expect("file");
        let tail = read_tail(&path, 4).expect("tail");
        assert!(tail.ends_with("xlast") && tail.len() <= 4096);
        assert_eq!(read_tail(&path, 10_004).expect("tail"), "last");
        assert_eq!(read_tail(&path, 99_999).expect("tail"), "");
    }

    #[test]
    fn an_overlong_log_is_put_aside() {
        let temporary = tempfile::tempdir().expect("folder");
        let path = temporary.path().join("postgres.log");
        File::create(&path)
            .and_then(|file| file.set_len(LARGEST_LOG_BYTES + 1))
            .expect("file");
        let (_, length) = open_log(&path).expect("log");
        assert_eq!(length, 0);
        assert!(temporary.path().join("postgres.log.1").exists());
    }
}
