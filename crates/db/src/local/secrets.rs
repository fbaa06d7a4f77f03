//! The generated passwords of the embedded database: Bursar's own files, never PostgreSQL's account's.

use std::path::{Path, PathBuf};

use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};

use super::folder::{self, DataFolder};
use super::{LocalError, LocalRole};

/// 62^32 possibilities: about 190 bits. Letters and digits only, so no place needs quoting.
const PASSWORD_LENGTH: usize = 32;

/// One password per role.
#[derive(Debug)]
pub(super) struct Passwords {
    superuser: SecretString,
    owner: SecretString,
    app: SecretString,
}

impl Passwords {
    /// Reads the passwords, making those that are missing.
    ///
    /// The superuser's is never made for a cluster that exists already: nothing would accept it.
    pub(super) fn open(folder: &DataFolder, cluster_exists: bool) -> Result<Passwords, LocalError> {
        let secrets = folder.path().join("secrets");
        folder::make_private(&secrets)?;
        let superuser = file(folder, LocalRole::Superuser);
        if cluster_exists && read(&superuser)?.is_none() {
            return Err(LocalError::SecretMissing {
                file: superuser,
                cluster: folder.cluster(),
            });
        }
        Ok(Passwords {
            superuser: read_or_make(&superuser)?,
            owner: read_or_make(&file(folder, LocalRole::Owner))?,
            app: read_or_make(&file(folder, LocalRole::App))?,
        })
    }

    pub(super) fn of(&self, role: LocalRole) -> &SecretString {
        match role {
            LocalRole::Superuser => &self.superuser,
            LocalRole::Owner => &self.owner,
            LocalRole::App => &self.app,
        }
    }
}

/// Where the password of `role` is kept.
pub(super) fn file(folder: &DataFolder, role: LocalRole) -> PathBuf {
    folder
        .path()
        .join("secrets")
        .join(format!("{}.password", role.name()))
}

fn read_or_make(path: &Path) -> Result<SecretString, LocalError> {
    if let Some(password) = read(path)? {
        return Ok(password);
    }
    let password =
        SecretString::from(Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_LENGTH));
    folder::write_whole(path, 0o600, password.expose_secret())?;
    Ok(password)
}

/// The password in a file; `None` when there is no file, or none of ours in it.
fn read(path: &Path) -> Result<Option<SecretString>, LocalError> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let text = text.trim();
            let ours = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
            Ok(ours.then(|| SecretString::from(text)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LocalError::io("read", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const ROLES: [LocalRole; 3] = [LocalRole::Superuser, LocalRole::Owner, LocalRole::App];

    #[test]
    fn passwords_are_made_once_private_and_different() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = DataFolder::open(temporary.path()).expect("folder");
        let of =
            |passwords: &Passwords| ROLES.map(|role| passwords.of(role).expose_secret().to_owned());
        let first = of(&Passwords::open(&folder, false).expect("made"));
        let second = of(&Passwords::open(&folder, true).expect("read"));
        assert_eq!(first, second);
        let [superuser, owner, app] = first;
        assert!(superuser != owner && owner != app && app != superuser);
        assert_eq!(superuser.len(), PASSWORD_LENGTH);
        for role in ROLES {
            let mode = file(&folder, role)
                .metadata()
                .expect("file")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_cluster_without_its_password_is_refused() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = DataFolder::open(temporary.path()).expect("folder");
        let missing = |folder| {
            matches!(
                Passwords::open(folder, true),
                Err(LocalError::SecretMissing { .. })
            )
        };
        assert!(missing(&folder));
        std::fs::create_dir_all(folder.path().join("secrets")).expect("folder");
        std::fs::write(file(&folder, LocalRole::Superuser), "damaged\0").expect("file");
        assert!(missing(&folder));
    }
}
