//! Where the Unix socket lies, and the addresses that lead to it.

use std::fs::{self, DirBuilder};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};

use super::account::{self, Account};
use super::folder::{self, DataFolder};
use super::secrets::Passwords;
use super::{LocalError, LocalRole};

/// The socket's name in its folder; the port is only a part of the name.
const SOCKET: &str = ".s.PGSQL.5432";
/// The longest path of a socket's folder: `sun_path` has 104 bytes on macOS (108 on Linux), one of them
/// a final NUL, one the slash.
const LONGEST_FOLDER: usize = 104 - 2 - SOCKET.len();
/// Remembers a folder outside the data folder, so that the next start can remove it after a crash.
const REMEMBERED: &str = "socket-folder";

/// The folder that holds the socket.
#[derive(Debug)]
pub(super) struct SocketFolder {
    path: PathBuf,
    elsewhere: bool,
}

impl SocketFolder {
    /// Makes the folder: `run` in the data folder, or a private one under the temporary directory when
    /// the path would be too long, or has a character that a list of hosts or folders gives a meaning to.
    pub(super) fn make(
        data: &DataFolder,
        temp_dir: &Path,
        account: Option<&Account>,
    ) -> Result<SocketFolder, LocalError> {
        forget(data)?;
        let inside = data.path().join("run");
        if suits(&inside) {
            let path = data.make_server_folder("run", account)?;
            clear(&path)?;
            return Ok(SocketFolder {
                path,
                elsewhere: false,
            });
        }
        let mark = Alphanumeric.sample_string(&mut rand::rng(), 10);
        let path = temporary_root(temp_dir, account)?.join(format!("bursar-{mark}"));
        folder::write_whole(
            &data.path().join(REMEMBERED),
            0o600,
            &path.to_string_lossy(),
        )?;
        // Not recursive: fails if it exists, so it is ours and nobody else's.
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(LocalError::io("make the socket's folder", &path))?;
        folder::hand_over(&path, account)?;
        Ok(SocketFolder {
            path,
            elsewhere: true,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes a folder outside the data folder; the server has to be gone.
    pub(super) fn remove(&self, data: &DataFolder) -> Result<(), LocalError> {
        if self.elsewhere { forget(data) } else { Ok(()) }
    }

    /// An address as tokio-postgres and diesel-async take it.
    pub(super) fn url(
        &self,
        role: LocalRole,
        passwords: &Passwords,
        database: &str,
    ) -> SecretString {
        SecretString::from(format!(
            "postgresql://{}:{}@/{}?host={}",
            role.name(),
            passwords.of(role).expose_secret(),
            percent_encode(database.as_bytes()),
            percent_encode(self.path.as_os_str().as_bytes()),
        ))
    }
}

/// Removes the remembered folder outside, if there is one.
fn forget(data: &DataFolder) -> Result<(), LocalError> {
    let remembered = data.path().join(REMEMBERED);
    let Ok(text) = fs::read_to_string(&remembered) else {
        return Ok(());
    };
    let outside = PathBuf::from(text.trim());
    if fs::symlink_metadata(&outside).is_ok_and(|metadata| metadata.is_dir()) {
        clear(&outside)?;
        fs::remove_dir(&outside).map_err(LocalError::io("remove", &outside))?;
    }
    folder::remove_file_if_there(&remembered).map_err(LocalError::io("remove", &remembered))
}

/// Removes the socket that a server left behind, and its lock file. The data folder's lock is held and every
/// server on the cluster is gone, so they are nobody's. PostgreSQL itself would take them for a live server's
/// when another process has the number that they name.
fn clear(folder: &Path) -> Result<(), LocalError> {
    for name in [SOCKET.to_owned(), format!("{SOCKET}.lock")] {
        let file = folder.join(name);
        folder::remove_file_if_there(&file).map_err(LocalError::io("remove", &file))?;
    }
    Ok(())
}

/// The temporary directory, or `/tmp` when that one is too deep or closed to PostgreSQL's account.
fn temporary_root(temp_dir: &Path, account: Option<&Account>) -> Result<PathBuf, LocalError> {
    let open =
        |root: &Path| account.map_or(Ok(()), |account| account::check_traversable(root, account));
    let real = temp_dir.canonicalize().ok();
    if let Some(real) = real.filter(|real| suits(&real.join("bursar-0123456789")))
        && open(&real).is_ok()
    {
        return Ok(real);
    }
    let last = PathBuf::from("/tmp");
    open(&last)?;
    Ok(last)
}

fn suits(folder: &Path) -> bool {
    let bytes = folder.as_os_str().as_bytes();
    bytes.len() <= LONGEST_FOLDER
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@:~".contains(byte))
}

fn percent_encode(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"._-~".contains(byte) {
            text.push(char::from(*byte));
        } else if let Err(never) = write!(text, "%{byte:02X}") {
            tracing::error!(%never, "writing to a string failed");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::Host;

    use super::*;

    #[test]
    fn only_short_and_plain_paths_hold_the_socket() {
        let long = format!("/{}", "x".repeat(LONGEST_FOLDER - 1));
        for (path, expected) in [
            ("/var/lib/bursar/run", true),
            ("/home/a/.local/share/bursar/run", true),
            (long.as_str(), true),
            (&format!("{long}x"), false),
            ("/data/a,b/run", false),
            ("/data/a b/run", false),
            ("/data/\u{e4}/run", false),
        ] {
            assert_eq!(suits(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn addresses_are_understood_by_the_client() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = DataFolder::open(temporary.path()).expect("folder");
        let passwords = Passwords::open(&folder, false).expect("passwords");
        let socket = SocketFolder {
            path: PathBuf::from("/a b/c+d@e:f/run"),
            elsewhere: false,
        };
        let url = socket.url(LocalRole::App, &passwords, "test 1/2");
        let config: tokio_postgres::Config = url.expose_secret().parse().expect("an address");
        assert_eq!(config.get_user(), Some("bursar_app"));
        assert_eq!(config.get_dbname(), Some("test 1/2"));
        let password = passwords.of(LocalRole::App).expose_secret().as_bytes();
        assert_eq!(config.get_password(), Some(password));
        assert_eq!(
            config.get_hosts(),
            [Host::Unix(PathBuf::from("/a b/c+d@e:f/run"))]
        );
    }

    #[test]
    fn a_socket_whose_lock_names_a_live_stranger_is_cleared_away() {
        let temporary = tempfile::tempdir().expect("folder");
        let data = DataFolder::open(temporary.path()).expect("folder");
        let make = || SocketFolder::make(&data, Path::new("/tmp"), None).expect("inside");
        let lock = make().path().join(format!("{SOCKET}.lock"));
        fs::write(&lock, format!("{}\n", std::process::id())).expect("file");
        let again = make();
        assert!(again.path().is_dir() && !lock.exists());
    }

    #[test]
    fn a_folder_outside_is_private_and_removed_even_after_a_crash() {
        let temporary = tempfile::tempdir().expect("folder");
        let deep = temporary.path().join("d".repeat(120));
        let data = DataFolder::open(&deep).expect("folder");
        let first = SocketFolder::make(&data, Path::new("/tmp"), None).expect("outside");
        assert!(first.path().starts_with("/tmp") && first.path().is_dir());
        fs::write(first.path().join(SOCKET), "").expect("file");
        let second = SocketFolder::make(&data, Path::new("/tmp"), None).expect("outside");
        assert!(!first.path().exists() && second.path().is_dir());
        second.remove(&data).expect("removed");
        assert!(!second.path().exists());
    }
}
