//! What can go wrong with the embedded PostgreSQL, told so that the reader knows what to do next.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why the embedded PostgreSQL could not be found, started, used or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// No PostgreSQL programs anywhere.
    #[error(
        "no PostgreSQL programs (`initdb`, `postgres`) found; install them (Debian, Ubuntu: \
         `sudo apt-get install postgresql`; Fedora: `sudo dnf install postgresql-server`; macOS: \
         `brew install postgresql@17`), or name their folder with `--postgres-bin-dir`, or use a \
         running server with `--database-url`"
    )]
    NoPrograms,
    /// The named folder does not hold programs that run.
    #[error(
        "`{}` is not a folder of working PostgreSQL programs (`initdb` and `postgres`); on Debian \
         and Ubuntu it is `/usr/lib/postgresql/<version>/bin`", bin_dir.display()
    )]
    ProgramsUnusable {
        /// The folder that was named.
        bin_dir: PathBuf,
    },
    /// Programs were found, all of them too old.
    #[error(
        "the PostgreSQL programs in `{}` are version {version}; Bursar needs {minimum} or newer: \
         install a newer one beside it (Debian, Ubuntu: `sudo apt-get install postgresql`) or name \
         its folder with `--postgres-bin-dir`", bin_dir.display()
    )]
    ProgramsTooOld {
        /// Where the newest of them are.
        bin_dir: PathBuf,
        /// Their version, as they print it.
        version: String,
        /// The oldest major version that will do.
        minimum: u32,
    },
    /// Another Bursar holds the data folder.
    #[error(
        "another Bursar{} is already using the data folder `{}`; stop that one, or give this one \
         its own `--data-dir`", process(*holder), data_dir.display()
    )]
    Locked {
        /// The data folder.
        data_dir: PathBuf,
        /// The other's process number, when it could be read.
        holder: Option<u32>,
    },
    /// Bursar runs as root and there is nobody to run PostgreSQL as.
    #[error(
        "PostgreSQL refuses to run as root and this system has neither an account `postgres` nor \
         `nobody`; make one (`useradd --system postgres`) or start Bursar as another user"
    )]
    NoAccount,
    /// PostgreSQL's account cannot get to a folder.
    #[error(
        "PostgreSQL runs as `{account}`, which cannot pass through the folder `{}`; allow it \
         (`chmod o+x {}`) or choose another place for `{}`",
        folder.display(), folder.display(), target.display()
    )]
    Untraversable {
        /// The folder whose execute bit is missing.
        folder: PathBuf,
        /// What lies beneath it and is needed.
        target: PathBuf,
        /// The account that PostgreSQL runs as.
        account: String,
    },
    /// The cluster belongs to somebody else.
    #[error(
        "the database cluster `{}` belongs to user number {found}, but PostgreSQL would run as \
         user number {expected}; start Bursar as the user who made the cluster, or give it another \
         `--data-dir`", cluster.display()
    )]
    ClusterOwner {
        /// The cluster's folder.
        cluster: PathBuf,
        /// Its owner.
        found: u32,
        /// The user that PostgreSQL would run as.
        expected: u32,
    },
    /// The cluster was made by another major version.
    #[error(
        "the database cluster `{}` is of PostgreSQL {cluster_major}, but the programs found are of \
         {found}; it was left untouched: install PostgreSQL {cluster_major}, or upgrade the cluster \
         with `pg_upgrade`, or give Bursar another `--data-dir`", cluster.display()
    )]
    WrongMajor {
        /// The cluster's folder.
        cluster: PathBuf,
        /// Its major version.
        cluster_major: u32,
        /// The major versions of the programs found, newest first.
        found: String,
    },
    /// There is something where the cluster should be, and it is not one.
    #[error(
        "`{}` is not empty and not a database cluster; it was left untouched: move it away, or give \
         Bursar another `--data-dir`", cluster.display()
    )]
    NotACluster {
        /// The cluster's folder.
        cluster: PathBuf,
    },
    /// The superuser's password is gone, the cluster is not.
    #[error(
        "the password file `{}` of the database cluster `{}` is missing or damaged; restore it \
         from a backup of the data folder", file.display(), cluster.display()
    )]
    SecretMissing {
        /// The password file.
        file: PathBuf,
        /// The cluster that it opens.
        cluster: PathBuf,
    },
    /// A file or folder could not be handled.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as in "cannot …".
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// `initdb` failed.
    #[error("`initdb` failed ({status}); it said:\n{output}")]
    InitFailed {
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        output: String,
    },
    /// The server ended, at its start or later, without having been told to.
    #[error(
        "PostgreSQL ended by itself ({status}); the end of its log `{}`:\n{log_tail}",
        log_file.display()
    )]
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// The whole log.
        log_file: PathBuf,
        /// Its last lines.
        log_tail: String,
    },
    /// The server runs but does not answer.
    #[error(
        "PostgreSQL did not get ready in {seconds} s; the end of its log `{}`:\n{log_tail}",
        log_file.display()
    )]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// The whole log.
        log_file: PathBuf,
        /// Its last lines.
        log_tail: String,
        /// The last answer to an attempt to connect.
        source: Option<tokio_postgres::Error>,
    },
    /// The server does not accept Bursar's password.
    #[error(
        "PostgreSQL refuses the password in `{}`; the folder of passwords and the cluster are not \
         of the same backup", file.display()
    )]
    PasswordRefused {
        /// The password file.
        file: PathBuf,
        /// The refusal.
        source: tokio_postgres::Error,
    },
    /// Setting up roles or a database failed.
    #[error("cannot {action} in the embedded PostgreSQL")]
    Sql {
        /// What was tried, as in "cannot …".
        action: &'static str,
        /// Why not.
        source: tokio_postgres::Error,
    },
    /// A server does not stop, not even when told to quit at once.
    #[error("PostgreSQL (process {pid}) does not stop; end it with `kill -QUIT {pid}`")]
    DoesNotStop {
        /// The server's process number.
        pid: i32,
    },
    /// Bursar's own work was cancelled, for instance because its runtime shuts down.
    #[error("the start of PostgreSQL was cancelled")]
    Cancelled,
}

impl LocalError {
    /// For `map_err` on file operations: what was tried, on which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| LocalError::Io {
            action,
            path,
            source,
        }
    }

    /// For `map_err` on statements: what was tried.
    pub(super) fn sql(action: &'static str) -> impl Fn(tokio_postgres::Error) -> Self {
        move |source| LocalError::Sql { action, source }
    }
}

fn process(holder: Option<u32>) -> String {
    holder.map_or_else(String::new, |pid| format!(" (process {pid})"))
}
