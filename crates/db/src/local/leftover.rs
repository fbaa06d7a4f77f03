//! The server that a killed Bursar left behind: told from a stale process number, and stopped.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::time::{Instant, sleep, timeout};

use super::secrets::Passwords;
use super::{LocalError, LocalRole, folder, roles};

/// How often to look whether a process is gone.
const POLL: Duration = Duration::from_millis(20);
/// How long a server that was told to quit at once may take.
pub(super) const QUIT_TIMEOUT: Duration = Duration::from_secs(10);

/// What `postmaster.pid` says.
#[derive(Debug, PartialEq, Eq)]
struct PidFile {
    pid: i32,
    socket_folder: Option<PathBuf>,
}

/// What is known of the process that `postmaster.pid` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Process {
    /// There is none.
    Gone,
    /// It is a server on this cluster.
    Ours,
    /// The number was given to something else since.
    Foreign,
}

/// Stops a live server on `cluster` and tells whether there was one. Call it with the data folder's lock held.
///
/// A file that names a dead process is left to PostgreSQL, which also checks that no shared memory is in
/// use any more; one that names an unrelated live process is removed, since PostgreSQL would refuse to start.
pub(super) async fn stop(
    cluster: &Path,
    passwords: &Passwords,
    stop_timeout: Duration,
) -> Result<bool, LocalError> {
    let path = cluster.join("postmaster.pid");
    let Some(file) = fs::read_to_string(&path).ok().as_deref().and_then(parse) else {
        return Ok(false);
    };
    let Some(pid) = Pid::from_raw(file.pid) else {
        return Ok(false);
    };
    match identify(pid, &file, cluster, passwords).await {
        Process::Gone => Ok(false),
        Process::Ours => {
            tracing::warn!(
                pid = file.pid,
                "stopping a PostgreSQL that an earlier Bursar left running"
            );
            end(pid, cluster, stop_timeout).await?;
            Ok(true)
        }
        Process::Foreign => {
            wait_until_unused(cluster, QUIT_TIMEOUT).await;
            folder::remove_file_if_there(&path).map_err(LocalError::io("remove", &path))?;
            Ok(false)
        }
    }
}

/// Fast shutdown, then an immediate one.
async fn end(pid: Pid, cluster: &Path, stop_timeout: Duration) -> Result<(), LocalError> {
    for (signal, timeout) in [(Signal::INT, stop_timeout), (Signal::QUIT, QUIT_TIMEOUT)] {
        if let Err(error) = kill_process(pid, signal) {
            tracing::debug!(%error, "the process is gone already");
        }
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            if !still_there(pid, cluster) {
                return Ok(());
            }
            sleep(POLL).await;
        }
    }
    Err(LocalError::DoesNotStop {
        pid: pid.as_raw_nonzero().get(),
    })
}

fn still_there(pid: Pid, cluster: &Path) -> bool {
    identify_in_proc(pid, cluster).map_or_else(|| alive(pid), |found| found == Process::Ours)
}

async fn identify(pid: Pid, file: &PidFile, cluster: &Path, passwords: &Passwords) -> Process {
    if !alive(pid) {
        return Process::Gone;
    }
    if let Some(found) = identify_in_proc(pid, cluster) {
        return found;
    }
    // No /proc here (macOS): a server on this cluster is one that lets us in and names its folder.
    let Some(socket_folder) = &file.socket_folder else {
        return Process::Foreign;
    };
    let served = roles::connect(socket_folder, LocalRole::Superuser, passwords, "postgres");
    let Ok(Ok(client)) = timeout(QUIT_TIMEOUT, served).await else {
        return Process::Foreign;
    };
    let row = client
        .query_one("SELECT current_setting('data_directory')", &[])
        .await;
    let folder: Option<String> = row.ok().and_then(|row| row.try_get(0).ok());
    if folder.is_some_and(|folder| Path::new(&folder) == cluster) {
        Process::Ours
    } else {
        Process::Foreign
    }
}

/// Whether a signal could be sent: a process of another user is alive as well.
fn alive(pid: Pid) -> bool {
    !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

/// Identifies a live process by what the kernel tells about it; `None` where there is no `/proc`.
///
/// Its working folder needs a privilege that root may lack in a container; its command line does not.
fn identify_in_proc(pid: Pid, cluster: &Path) -> Option<Process> {
    if !Path::new("/proc/self/cmdline").exists() {
        return None;
    }
    let process = Path::new("/proc").join(pid.as_raw_nonzero().to_string());
    let command_line = fs::read(process.join("cmdline")).unwrap_or_default();
    let works_here = fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster);
    let ours = is_postgres_on(&command_line, cluster) || (works_here && is_postgres(&process));
    Some(if ours {
        Process::Ours
    } else {
        Process::Foreign
    })
}

/// Whether a NUL-separated command line is that of `postgres … <cluster> …`.
fn is_postgres_on(command_line: &[u8], cluster: &Path) -> bool {
    let mut words = command_line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    let name = program
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    matches!(name, b"postgres" | b"postmaster")
        && words.any(|word| word == cluster.as_os_str().as_bytes())
}

fn is_postgres(process: &Path) -> bool {
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    matches!(name.trim(), "postgres" | "postmaster")
}

/// Waits until no server process works in the cluster: some live on for a moment after their parent died.
async fn wait_until_unused(cluster: &Path, timeout: Duration) {
    let deadline = Instant::now() + timeout;
    while Instant::now() < deadline {
        let used = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| {
                fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder == cluster)
                    && is_postgres(&entry.path())
            });
        if !used {
            return;
        }
        sleep(POLL).await;
    }
}

/// Lines of `postmaster.pid`: process, data folder, start time, port, socket folder, …
fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    // A negative number is that of a single-user session.
    let pid = lines.next()?.trim().parse::<i32>().ok()?.checked_abs()?;
    let socket_folder = lines.nth(3).map(str::trim).filter(|line| !line.is_empty());
    Some(PidFile {
        pid,
        socket_folder: socket_folder.map(PathBuf::from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pid_files_are_read() {
        let socket = Some(PathBuf::from("/run/x"));
        for (text, expected) in [
            (
                "12\n/data\n1700000000\n5432\n/run/x\n\n",
                Some((12, socket)),
            ),
            ("12\n/data\n1700000000\n5432\n\n*\n", Some((12, None))),
            ("12\n", Some((12, None))),
            ("-12\n/data\n", Some((12, None))),
            ("", None),
            ("x\n", None),
        ] {
            let expected = expected.map(|(pid, socket_folder)| PidFile { pid, socket_folder });
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_server_is_known_by_its_program_and_its_folder() {
        for (line, expected) in [
            (
                "/usr/lib/postgresql/15/bin/postgres\0-D\0/data/postgres\0",
                true,
            ),
            ("postgres\0-D\0/data/postgres\0-c\0port=1\0", true),
            ("postgres\0-D\0/data/postgres2\0", false),
            ("vi\0/data/postgres\0", false),
            ("postgres: checkpointer \0", false),
            ("", false),
        ] {
            let found = is_postgres_on(line.as_bytes(), Path::new("/data/postgres"));
            assert_eq!(found, expected, "{line}");
        }
    }
}
