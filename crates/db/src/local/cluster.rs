//! The database cluster on disk: recognising it, and making it so that a half-made one is never used.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rand::distr::{Alphanumeric, SampleString};
use secrecy::ExposeSecret;

use super::account::{self, Account};
use super::folder::{self, DataFolder};
use super::secrets::Passwords;
use super::{Durability, LocalError, LocalRole, Programs};

/// The cluster's folder in the data folder.
pub(super) const FOLDER: &str = "postgres";
/// What `initdb` works in; renamed to [`FOLDER`] when it is done.
const UNFINISHED_PREFIX: &str = "postgres.new-";
const PASSWORD_FILE_PREFIX: &str = "initdb-password-";

/// A cluster that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cluster {
    pub(super) major: u32,
    pub(super) owner: u32,
}

/// Looks at the cluster; `None` when it has yet to be made.
pub(super) fn inspect(cluster: &Path) -> Result<Option<Cluster>, LocalError> {
    let look = LocalError::io("look at", cluster);
    let metadata = match cluster.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(look(error)),
    };
    let not_one = || LocalError::NotACluster {
        cluster: cluster.to_path_buf(),
    };
    if !metadata.is_dir() {
        return Err(not_one());
    }
    if fs::read_dir(cluster).map_err(look)?.next().is_none() {
        return Ok(None);
    }
    let version = fs::read_to_string(cluster.join("PG_VERSION")).unwrap_or_default();
    let major = version
        .trim()
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    Ok(Some(Cluster {
        major: major.ok_or_else(not_one)?,
        owner: metadata.uid(),
    }))
}

/// Removes what an interrupted `initdb` left behind.
pub(super) fn remove_unfinished(folder: &DataFolder) -> Result<(), LocalError> {
    let list = LocalError::io("list the folder", folder.path());
    for entry in fs::read_dir(folder.path()).map_err(list)?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = entry.path();
        if name.starts_with(UNFINISHED_PREFIX) {
            tracing::info!(folder = %path.display(), "removing a database cluster that was never finished");
            // An `initdb` whose Bursar was killed may still be writing into it.
            let removed = (0..20).any(|_| fs::remove_dir_all(&path).is_ok());
            if !removed {
                fs::remove_dir_all(&path).map_err(LocalError::io("remove", &path))?;
            }
        } else if name.starts_with(PASSWORD_FILE_PREFIX) {
            fs::remove_file(&path).map_err(LocalError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Makes the cluster: `initdb` into a folder beside, then one rename.
pub(super) async fn make(
    folder: &DataFolder,
    programs: &Programs,
    account: Option<&Account>,
    passwords: &Passwords,
    durability: Durability,
) -> Result<(), LocalError> {
    let mark = Alphanumeric.sample_string(&mut rand::rng(), 8);
    let unfinished = folder.make_server_folder(&format!("{UNFINISHED_PREFIX}{mark}"), account)?;
    let password_file = folder.path().join(format!("{PASSWORD_FILE_PREFIX}{mark}"));
    lend_password(&password_file, account, passwords)?;

    let made = run_initdb(programs, account, &unfinished, &password_file, durability).await;
    let removed = folder::remove_file_if_there(&password_file)
        .map_err(LocalError::io("remove", &password_file));
    made.and(removed)?;

    let cluster = folder.cluster();
    fs::rename(&unfinished, &cluster)
        .and_then(|()| folder::sync_parent(&cluster))
        .map_err(LocalError::io("put in place", &cluster))
}

/// Writes the superuser's password where `initdb` can read it.
///
/// Bursar stays the owner; under root, the account's own group may read it for the second that this takes.
fn lend_password(
    path: &Path,
    account: Option<&Account>,
    passwords: &Passwords,
) -> Result<(), LocalError> {
    folder::write_whole(
        path,
        0o600,
        passwords.of(LocalRole::Superuser).expose_secret(),
    )?;
    let Some(account) = account else {
        return Ok(());
    };
    std::os::unix::fs::chown(path, None, Some(account.gid))
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o640)))
        .map_err(LocalError::io("let PostgreSQL read", path))
}

/// Runs `initdb`: code point order everywhere, upper and lower case of all letters where the system can.
async fn run_initdb(
    programs: &Programs,
    account: Option<&Account>,
    target: &PathBuf,
    password_file: &PathBuf,
    durability: Durability,
) -> Result<(), LocalError> {
    let mut refusal = None;
    for character_type in ["C.UTF-8", "C"] {
        let mut command = account::command(&programs.program("initdb"), account);
        command.arg("--pgdata").arg(target);
        command.arg("--pwfile").arg(password_file);
        command.args([
            "--username",
            LocalRole::Superuser.name(),
            "--auth",
            "scram-sha-256",
        ]);
        command.args([
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--lc-ctype",
            character_type,
        ]);
        command.args(["--data-checksums", "--no-instructions"]);
        if durability == Durability::Throwaway {
            command.arg("--no-sync");
        }
        let program = programs.program("initdb");
        let output = command
            .kill_on_drop(true)
            .output()
            .await
            .map_err(LocalError::io("run the program", &program))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        let other_locale_may_do = said.contains("locale");
        refusal = Some(LocalError::InitFailed {
            status: output.status,
            output: said,
        });
        if !other_locale_may_do {
            break;
        }
    }
    refusal.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_known_by_its_version_file() {
        let temporary = tempfile::tempdir().expect("folder");
        let cluster = temporary.path().join("postgres");
        assert_eq!(inspect(&cluster).expect("missing"), None);
        fs::create_dir(&cluster).expect("folder");
        assert_eq!(inspect(&cluster).expect("empty"), None);
        fs::write(cluster.join("something"), "").expect("file");
        assert!(matches!(
            inspect(&cluster),
            Err(LocalError::NotACluster { .. })
        ));
        for (text, major) in [("15\n", Some(15)), ("9.6\n", Some(9)), ("x\n", None)] {
            fs::write(cluster.join("PG_VERSION"), text).expect("file");
            let found = inspect(&cluster)
                .ok()
                .flatten()
                .map(|cluster| cluster.major);
            assert_eq!(found, major, "{text}");
        }
    }

    #[test]
    fn what_an_interrupted_initdb_left_is_removed_and_nothing_else() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = DataFolder::open(temporary.path()).expect("folder");
        for name in ["postgres.new-abc/base", "postgres/base", "secrets"] {
            fs::create_dir_all(folder.path().join(name)).expect("folder");
        }
        fs::write(folder.path().join("initdb-password-abc"), "x").expect("file");
        remove_unfinished(&folder).expect("removed");
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .expect("list")
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .into_string()
                    .expect("name")
            })
            .collect();
        left.sort();
        assert_eq!(left, ["bursar.lock", "postgres", "secrets"]);
    }
}
