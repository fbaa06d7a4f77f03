//! Passwords: the policy, and argon2id with the parameters that OWASP recommends (19 MiB, two passes).
//!
//! Hashing is made to be slow, so it runs off the async threads, as many at once as was said, and only so
//! many may wait for their turn.

use std::{num::NonZeroUsize, sync::Arc};

use argon2::{
    Argon2,
    password_hash::{
        Error as HashError, PasswordHasher, PasswordVerifier, phc::PasswordHash as PhcHash,
    },
};
use model::users::PasswordHash;
use tokio::{sync::Semaphore, task};

/// The least number of characters of a password.
const MIN_CHARS: usize = 8;
/// The greatest number of characters of a password.
const MAX_CHARS: usize = 128;
/// How many hashes may wait or run at once: at some twenty milliseconds each, seconds of waiting.
const QUEUE: usize = 256;

/// A hash of the present parameters that no password has: the base64 of plain text. Verified against when
/// there is no account, so that the answer takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
    bm9ib2R5J3Mgc2FsdCAuLg$bm8gcGFzc3dvcmQgaGFzIHRoaXMgaGFzaCwgZXZlci4";

/// Why a password cannot be taken. The text is for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordPolicyError {
    /// It is too short.
    #[error("must have at least 8 characters")]
    TooShort,
    /// It is too long.
    #[error("must have at most 128 characters")]
    TooLong,
}

/// Whether a password may be used: by its length alone, as NIST SP 800-63B recommends.
///
/// # Errors
/// See [`PasswordPolicyError`].
pub fn password_check(password: &str) -> Result<(), PasswordPolicyError> {
    match password.chars().count() {
        ..MIN_CHARS => Err(PasswordPolicyError::TooShort),
        MIN_CHARS..=MAX_CHARS => Ok(()),
        _ => Err(PasswordPolicyError::TooLong),
    }
}

/// Why a password could not be hashed or verified. Not about the password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many people sign in at this moment.
    #[error("too many passwords are being verified")]
    Busy,
    /// The stored hash cannot be read, or there is no memory or randomness.
    #[error("the password could not be hashed")]
    Hash(#[source] HashError),
    /// The thread that did it ended early.
    #[error("hashing was interrupted")]
    Interrupted(#[source] task::JoinError),
}

/// Hashes and verifies passwords. Clones share the bound.
#[derive(Debug, Clone)]
pub struct Passwords {
    queue: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Passwords {
    /// At most so many hashes at once: each takes a processor and 19 MiB.
    #[must_use]
    pub fn new(concurrent: NonZeroUsize) -> Self {
        Self {
            queue: Arc::new(Semaphore::new(QUEUE)),
            running: Arc::new(Semaphore::new(concurrent.get())),
        }
    }

    /// The hash of a password, as a PHC string with a fresh salt.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        let password = password.to_owned();
        let hashed = self.run(move || {
            let hash: PhcHash = Argon2::default().hash_password(password.as_bytes())?;
            Ok(hash.to_string())
        });
        hashed.await.map(PasswordHash)
    }

    /// Whether the password is the one hashed. Without a hash: `false`, after the same time.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub async fn verify(
        &self,
        hash: Option<&PasswordHash>,
        password: &str,
    ) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let hash = hash.map_or_else(|| NOBODY.to_owned(), |hash| hash.0.clone());
        let password = password.to_owned();
        let verified = self.run(move || {
            match Argon2::default().verify_password(password.as_bytes(), hash.as_str()) {
                Ok(()) => Ok(known),
                Err(HashError::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        });
        verified.await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let Ok(_place) = Arc::clone(&self.queue).try_acquire_owned() else {
            return Err(PasswordError::Busy);
        };
        // The semaphore is never closed.
        let Ok(turn) = Arc::clone(&self.running).acquire_owned().await else {
            return Err(PasswordError::Busy);
        };
        let done = task::spawn_blocking(move || {
            let result = work();
            // Held by the thread: a caller that leaves does not free the processor.
            drop(turn);
            result
        });
        done.await
            .map_err(PasswordError::Interrupted)?
            .map_err(PasswordError::Hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(NonZeroUsize::MIN)
    }

    #[test]
    fn the_policy_is_about_length() {
        let check = |text: &str, expected| assert_eq!(password_check(text), expected, "{text:?}");
        check("", Err(PasswordPolicyError::TooShort));
        check("1234567", Err(PasswordPolicyError::TooShort));
        check("12345678", Ok(()));
        check("ää ää äé", Ok(()));
        check(&"x".repeat(128), Ok(()));
        check(&"x".repeat(129), Err(PasswordPolicyError::TooLong));
    }

    #[tokio::test]
    async fn a_password_is_verified_by_its_hash() {
        let passwords = passwords();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(
            passwords
                .verify(Some(&hash), "correct horse")
                .await
                .unwrap()
        );
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(
                !passwords.verify(Some(&hash), wrong).await.unwrap(),
                "{wrong:?}"
            );
        }
        assert_ne!(
            hash,
            passwords.hash("correct horse").await.unwrap(),
            "the salt is fresh"
        );
        assert!(!format!("{hash:?}").contains("argon2id"));
    }

    #[tokio::test]
    async fn nobodys_hash_costs_what_a_fresh_one_costs() {
        let passwords = passwords();
        let fresh = passwords.hash("correct horse").await.unwrap();
        let parameters = |text: &str| {
            text.split('$')
                .take(4)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(parameters(&fresh.0), parameters(NOBODY));
        let lengths = |text: &str| text.split('$').map(str::len).collect::<Vec<_>>();
        assert_eq!(lengths(&fresh.0), lengths(NOBODY));
        assert!(!passwords.verify(None, "correct horse").await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_read_is_an_error_and_not_a_wrong_password() {
        for text in ["", "secret", "$argon2id$"] {
            let hash = PasswordHash(text.to_owned());
            assert!(
                passwords().verify(Some(&hash), "secret").await.is_err(),
                "{text:?}"
            );
        }
    }

    #[tokio::test]
    async fn too_many_at_once_are_sent_away() {
        let passwords = passwords();
        let taken = Arc::clone(&passwords.queue)
            .try_acquire_many_owned(256)
            .unwrap();
        assert!(matches!(
            passwords.hash("12345678").await,
            Err(PasswordError::Busy)
        ));
        drop(taken);
        assert!(passwords.hash("12345678").await.is_ok());
    }
}
