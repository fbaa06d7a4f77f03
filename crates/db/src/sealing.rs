//! Sealing provider keys with AES-256-GCM, under a key that is not in the database.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Generate, Key, Nonce, Payload},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The length of a key, in bytes.
const KEY_BYTES: usize = 32;
/// How many bytes of the key's digest name it.
const KEY_ID_BYTES: usize = 8;

/// Seals and opens secrets. `Debug` shows the key's id only.
#[derive(Clone)]
pub struct Sealer {
    cipher: Arc<Aes256Gcm>,
    key_id: Arc<str>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// A sealed secret, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) nonce: Vec<u8>,
    pub(crate) key_id: String,
}

/// Why a key cannot be had or a secret not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file cannot be read or made.
    #[error("the encryption key file `{}` cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The key file holds something else.
    #[error("the encryption key file `{}` does not hold 64 hexadecimal digits", .0.display())]
    Format(PathBuf),
    /// Others can read the key file.
    #[error("the encryption key file `{}` must be readable by its owner alone (mode 0600)", .0.display())]
    Permissions(PathBuf),
    /// No randomness could be had.
    #[error("the system's random number generator failed")]
    Random,
    /// The secret was sealed with another key.
    #[error("sealed with the encryption key `{sealed}`, but the present one is `{present}`")]
    OtherKey {
        /// The id of the key that it was sealed with.
        sealed: String,
        /// The id of the key at hand.
        present: String,
    },
    /// The ciphertext was changed, or belongs to another row.
    #[error("the sealed secret is damaged or belongs to another row")]
    Damaged,
}

impl Sealer {
    /// Seals with this key.
    #[must_use]
    pub fn from_key(key: &[u8; KEY_BYTES]) -> Self {
        let digest = Sha256::digest(key);
        let id: Vec<u8> = digest.iter().copied().take(KEY_ID_BYTES).collect();
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
        Self {
            cipher: Arc::new(cipher),
            key_id: hex::encode(id).into(),
        }
    }

    /// Reads the key from a file: 64 hexadecimal digits, mode 0600.
    ///
    /// # Errors
    /// [`SealError::File`], [`SealError::Format`], [`SealError::Permissions`].
    pub fn load(path: &Path) -> Result<Self, SealError> {
        let failed = |source| SealError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(SealError::Permissions(path.to_owned()));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let mut key = [0; KEY_BYTES];
        hex::decode_to_slice(text.trim(), &mut key)
            .map_err(|_error| SealError::Format(path.to_owned()))?;
        Ok(Self::from_key(&key))
    }

    /// Reads the key from a file, which is made, mode 0600, when it does not exist.
    ///
    /// # Errors
    /// As [`Sealer::load`], and [`SealError::Random`].
    pub fn load_or_create(path: &Path) -> Result<Self, SealError> {
        let failed = |source| SealError::File {
            path: path.to_owned(),
            source,
        };
        if path.try_exists().map_err(failed)? {
            return Self::load(path);
        }
        let key = Key::<Aes256Gcm>::try_generate().map_err(|_error| SealError::Random)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        // Written beside and linked into place, so that nobody ever reads half a key and two that race
        // agree on one.
        let draft = folder.join(format!(".{}.{}", std::process::id(), hex::encode(fresh()?)));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .map_err(failed)?;
        let written = writeln!(file, "{}", hex::encode(key))
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::hard_link(&draft, path));
        std::fs::remove_file(&draft).map_err(failed)?;
        match written {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(error));
            }
            Ok(()) | Err(_) => {}
        }
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        Self::load(path)
    }

    /// The id of the key: what stands beside a ciphertext.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Seals a secret for one row.
    pub(crate) fn seal(&self, row: Uuid, secret: &str) -> Result<Sealed, SealError> {
        let nonce = fresh()?;
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: row.as_bytes(),
        };
        let ciphertext = self
            .cipher
            .encrypt(&nonce, payload)
            .map_err(|_error| SealError::Damaged)?;
        Ok(Sealed {
            ciphertext,
            nonce: nonce.to_vec(),
            key_id: self.key_id.to_string(),
        })
    }

    /// Opens the sealed secret of one row.
    pub(crate) fn open(&self, row: Uuid, sealed: &Sealed) -> Result<String, SealError> {
        if sealed.key_id != *self.key_id {
            return Err(SealError::OtherKey {
                sealed: sealed.key_id.clone(),
                present: self.key_id.to_string(),
            });
        }
        let nonce = Nonce::<Aes256Gcm>::try_from(sealed.nonce.as_slice())
            .map_err(|_error| SealError::Damaged)?;
        let payload = Payload {
            msg: &sealed.ciphertext,
            aad: row.as_bytes(),
        };
        let secret = self
            .cipher
            .decrypt(&nonce, payload)
            .map_err(|_error| SealError::Damaged)?;
        String::from_utf8(secret).map_err(|_error| SealError::Damaged)
    }
}

fn fresh() -> Result<Nonce<Aes256Gcm>, SealError> {
    Nonce::<Aes256Gcm>::try_generate().map_err(|_error| SealError::Random)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Uuid = Uuid::from_u128(1);

    #[test]
    fn a_secret_opens_only_with_its_key_in_its_row_and_unchanged() {
        let sealer = Sealer::from_key(&[7; KEY_BYTES]);
        let sealed = sealer.seal(ROW, "sk-secret").unwrap();
        assert_eq!(sealer.open(ROW, &sealed).unwrap(), "sk-secret");
        assert_ne!(sealer.seal(ROW, "sk-secret").unwrap().nonce, sealed.nonce);

        let elsewhere = sealer.open(Uuid::from_u128(2), &sealed);
        assert!(
            matches!(elsewhere, Err(SealError::Damaged)),
            "{elsewhere:?}"
        );
        let other = Sealer::from_key(&[8; KEY_BYTES]).open(ROW, &sealed);
        assert!(
            matches!(other, Err(SealError::OtherKey { .. })),
            "{other:?}"
        );
        let mut changed = sealed;
        changed.ciphertext[0] ^= 1;
        assert!(matches!(
            sealer.open(ROW, &changed),
            Err(SealError::Damaged)
        ));
    }

    #[test]
    fn the_key_file_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = Sealer::load_or_create(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            Sealer::load_or_create(&path).unwrap().key_id(),
            first.key_id()
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(
            Sealer::load(&path),
            Err(SealError::Permissions(_))
        ));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(Sealer::load(&path), Err(SealError::Format(_))));
    }
}
