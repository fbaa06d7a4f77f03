//! The data folder: making it, its lock, and writing files in it without leaving half of one.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::account::{self, Account};
use super::{LocalError, cluster};

/// A data folder that this process holds the lock of, until it is dropped.
#[derive(Debug)]
pub(super) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if it is missing and takes its lock.
    pub(super) fn open(data_dir: &Path) -> Result<DataFolder, LocalError> {
        let path = make(data_dir)?;
        let lock = lock(&path)?;
        Ok(DataFolder { path, _lock: lock })
    }

    /// The folder, absolute and without symbolic links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.path.join(cluster::FOLDER)
    }

    pub(super) fn hba_file(&self) -> PathBuf {
        self.path.join("pg_hba.conf")
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.path.join("postgres.log")
    }

    /// Makes a folder `name`, 0700, that belongs to PostgreSQL's account.
    ///
    /// Its parent is Bursar's own, so nobody can put a link in its place in between.
    pub(super) fn make_server_folder(
        &self,
        name: &str,
        account: Option<&Account>,
    ) -> Result<PathBuf, LocalError> {
        let folder = self.path.join(name);
        make_private(&folder)?;
        hand_over(&folder, account)?;
        Ok(folder)
    }
}

/// Gives a folder that Bursar has just made to PostgreSQL's account.
pub(super) fn hand_over(folder: &Path, account: Option<&Account>) -> Result<(), LocalError> {
    let Some(account) = account else {
        return Ok(());
    };
    std::os::unix::fs::chown(folder, Some(account.uid), Some(account.gid))
        .map_err(LocalError::io("change the owner of", folder))
}

/// Makes a folder with mode 0700, or gives an existing one that mode.
pub(super) fn make_private(folder: &Path) -> Result<(), LocalError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o700)))
        .map_err(LocalError::io("make the private folder", folder))
}

/// Writes a file so that it is there whole or not at all, with `mode`.
pub(super) fn write_whole(path: &Path, mode: u32, text: &str) -> Result<(), LocalError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let temporary = PathBuf::from(name);
    let write = || {
        remove_file_if_there(&temporary)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_parent(path)
    };
    write().map_err(LocalError::io("write", path))
}

/// Makes a rename inside the folder of `path` survive a crash of the machine.
pub(super) fn sync_parent(path: &Path) -> std::io::Result<()> {
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

pub(super) fn remove_file_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn make(data_dir: &Path) -> Result<PathBuf, LocalError> {
    let root = account::running_as_root();
    if data_dir.is_dir() {
        if root && is_empty(data_dir)? {
            // Fresh and ours to set up: a temporary folder, usually.
            fs::set_permissions(data_dir, Permissions::from_mode(0o711))
                .map_err(LocalError::io("set the permissions of", data_dir))?;
        }
    } else {
        let parent = data_dir
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        parent
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| {
                DirBuilder::new()
                    .mode(if root { 0o711 } else { 0o700 })
                    .create(data_dir)
            })
            .map_err(LocalError::io("make the data folder", data_dir))?;
    }
    data_dir
        .canonicalize()
        .map_err(LocalError::io("find the data folder", data_dir))
}

fn is_empty(folder: &Path) -> Result<bool, LocalError> {
    let mut entries = fs::read_dir(folder).map_err(LocalError::io("list the folder", folder))?;
    Ok(entries.next().is_none())
}

/// Takes the lock. The kernel releases it when this process ends, however it ends.
///
/// The file is closed on `exec`, so PostgreSQL does not inherit the lock and keep it after a crash of Bursar.
fn lock(data_dir: &Path) -> Result<File, LocalError> {
    let path = data_dir.join("bursar.lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(LocalError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let holder = file
                .read_to_string(&mut text)
                .ok()
                .and_then(|_| text.trim().parse().ok());
            return Err(LocalError::Locked {
                data_dir: data_dir.to_path_buf(),
                holder,
            });
        }
        Err(TryLockError::Error(error)) => return Err(LocalError::io("lock", &path)(error)),
    }
    file.set_len(0)
        .and_then(|()| file.write_all(format!("{}\n", std::process::id()).as_bytes()))
        .map_err(LocalError::io("write", &path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("metadata").permissions().mode() & 0o777
    }

    #[test]
    fn a_second_holder_is_told_who_is_the_first() {
        let temporary = tempfile::tempdir().expect("folder");
        let first = DataFolder::open(temporary.path()).expect("the lock");
        let error = DataFolder::open(temporary.path()).expect_err("held");
        assert!(
            matches!(error, LocalError::Locked { holder, .. } if holder == Some(std::process::id()))
        );
        drop(first);
        DataFolder::open(temporary.path()).expect("free again");
    }

    #[test]
    fn only_a_fresh_folder_is_opened_up_and_only_under_root() {
        let expected = if account::running_as_root() {
            0o711
        } else {
            0o700
        };
        let temporary = tempfile::tempdir().expect("folder");
        let made = temporary.path().join("a/b");
        drop(DataFolder::open(&made).expect("made"));
        assert_eq!(mode(&made), expected);

        let private = || {
            let folder = tempfile::tempdir().expect("folder");
            fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("mode");
            folder
        };
        let fresh = private();
        drop(DataFolder::open(fresh.path()).expect("fresh"));
        assert_eq!(mode(fresh.path()), expected);

        let used = private();
        fs::write(used.path().join("something"), "").expect("file");
        drop(DataFolder::open(used.path()).expect("used"));
        assert_eq!(mode(used.path()), 0o700);
    }

    #[test]
    fn files_are_replaced_whole_with_their_mode() {
        let temporary = tempfile::tempdir().expect("folder");
        let file = temporary.path().join("file");
        fs::write(temporary.path().join("file.new"), "left over").expect("file");
        write_whole(&file, 0o600, "one").expect("written");
        write_whole(&file, 0o644, "two").expect("written");
        assert_eq!(fs::read_to_string(&file).expect("text"), "two");
        assert_eq!(mode(&file), 0o644);
    }
}
