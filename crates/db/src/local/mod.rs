//! The embedded PostgreSQL: found, set up once, started and stopped by Bursar in its own data folder.
//!
//! What lies in the data folder (`LocalConfig::data_dir`):
//!
//! | name | what | owner when Bursar runs as root |
//! |---|---|---|
//! | `bursar.lock` | locked by the Bursar that uses the folder; holds its process number | root |
//! | `secrets/` | generated passwords, 0700 and 0600 | root |
//! | `postgres/` | the cluster; `postgres.new-…` while `initdb` makes it | the unprivileged account |
//! | `run/` | the Unix socket, unless its path is too long for one | the unprivileged account |
//! | `pg_hba.conf` | the only way in: `scram-sha-256` on the socket | root |
//! | `postgres.log` | what the server says | root |
//!
//! A server left over by a Bursar that was killed is never adopted: it is stopped and started anew, so
//! that its settings, its log and its parent process are always the ones described here.
//!
//! Nothing in here knows of tables or migrations; it ends with a database, two roles and their addresses.

mod account;
mod cluster;
mod error;
mod folder;
mod leftover;
mod postmaster;
mod programs;
mod roles;
mod secrets;
mod server;
mod socket;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::LocalError;
pub use programs::{Programs, find_programs};
pub use roles::LocalRole;
pub use server::LocalPostgres;

/// How much the data is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A committed transaction survives a crash of the machine.
    Durable,
    /// Nothing is flushed to disk: for tests and the demo. A committed transaction survives the end of
    /// any process, `kill -9` included, but not a crash of the machine.
    Throwaway,
}

/// How to run the embedded PostgreSQL.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// Bursar's data folder, made when missing.
    ///
    /// As root, PostgreSQL's account must be able to traverse it and every folder above it. An empty
    /// folder that exists already is opened up to 0711 for that.
    pub data_dir: PathBuf,
    /// The folder of PostgreSQL's programs, when they are not to be searched for.
    pub postgres_bin_dir: Option<PathBuf>,
    /// The value of `PATH`, one of the places to search.
    pub path_env: Option<OsString>,
    /// Whether to flush to disk.
    pub durability: Durability,
    /// PostgreSQL's `max_connections`.
    pub max_connections: u16,
    /// Where a private folder for the socket is made when the data folder's path is too long for one.
    pub temp_dir: PathBuf,
    /// Further server settings, as `-c name=value`; they win over Bursar's own.
    pub settings: Vec<(String, String)>,
    /// How long a started server may stay silent. Crash recovery that reports itself gets ten times that.
    pub start_timeout: Duration,
    /// How long a fast shutdown may take before the server is told to quit at once.
    pub stop_timeout: Duration,
}

impl LocalConfig {
    /// A durable server in `data_dir` with Bursar's defaults.
    pub fn new(data_dir: impl Into<PathBuf>) -> LocalConfig {
        LocalConfig {
            data_dir: data_dir.into(),
            postgres_bin_dir: None,
            path_env: None,
            durability: Durability::Durable,
            max_connections: 120,
            temp_dir: std::env::temp_dir(),
            settings: Vec::new(),
            start_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
        }
    }
}

/// The data folder when none is given: `/var/lib/bursar` for root, else `bursar` in the XDG data home.
///
/// `env` looks up an environment variable by name. `None` when neither `XDG_DATA_HOME` nor `HOME` holds
/// an absolute path (the XDG specification ignores relative ones).
pub fn default_data_dir(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if account::running_as_root() {
        return Some(PathBuf::from("/var/lib/bursar"));
    }
    xdg_data_dir(env)
}

/// Whether a data folder holds a database already.
pub fn has_database(data_dir: &Path) -> bool {
    data_dir.join(cluster::FOLDER).exists()
}

fn xdg_data_dir(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| {
        env(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let data_home =
        absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(data_home.join("bursar"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(env: &[(&str, &str)], expected: Option<&str>) {
        let lookup = |name: &str| {
            env.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        };
        assert_eq!(xdg_data_dir(lookup), expected.map(PathBuf::from), "{env:?}");
    }

    #[test]
    fn data_home_follows_the_xdg_rules() {
        check(&[("HOME", "/home/a")], Some("/home/a/.local/share/bursar"));
        check(
            &[("HOME", "/home/a"), ("XDG_DATA_HOME", "/data")],
            Some("/data/bursar"),
        );
        check(
            &[("HOME", "/home/a"), ("XDG_DATA_HOME", "relative")],
            Some("/home/a/.local/share/bursar"),
        );
        check(&[("XDG_DATA_HOME", "")], None);
        check(&[], None);
    }
}
