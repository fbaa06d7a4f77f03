//! Addresses of files that hold for a while without a session, for programs and browsers that cannot sign in.
//!
//! An address has a secret of its own, of which only the SHA-256 is stored, with the file and the person it was made for.
//! Whoever uses it acts as that person, as they stand now, and may read files and chats and nothing else: what they may
//! not read any more the address does not lead to.

use dbauthz::{BoundStore, SystemActor};
use model::ChatFileId;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    AuthError, AuthState,
    behalf::{acting, standing},
    tokens::random_text,
};

/// What an address lets its person do.
const SCOPES: [&str; 2] = ["chat:read", "chat_file:read"];
/// How long a secret is: more than can be guessed.
const SECRET_CHARS: usize = 43;

/// A secret of an address that was just made. Its text is known nowhere else.
#[derive(Debug)]
pub struct DownloadSecret {
    /// The text, to be part of the address.
    pub text: SecretString,
    /// Its SHA-256.
    pub hash: [u8; 32],
}

/// Makes the secret of an address.
///
/// # Errors
/// [`AuthError::Store`] when the operating system gives no randomness.
pub fn download_secret() -> Result<DownloadSecret, AuthError> {
    let text =
        random_text(SECRET_CHARS).map_err(|error| store::StoreError::Internal(Box::new(error)))?;
    Ok(DownloadSecret {
        hash: Sha256::digest(&text).into(),
        text: text.into(),
    })
}

/// What the secret of an address leads to: a file, and the store as whoever the address was made for may use it now. Whether
/// they may read the file is still to be asked.
///
/// # Errors
/// [`AuthError::Store`] with `NotFound` for a secret that is none, or holds no more; [`AuthError::Invalid`] and
/// [`AuthError::Suspended`] when its person is gone or suspended.
pub async fn download_open(
    state: &AuthState,
    secret: &SecretString,
    request_id: Option<Uuid>,
) -> Result<(BoundStore, ChatFileId), AuthError> {
    let hash = Sha256::digest(secret.expose_secret()).into();
    let system = state.authorized.as_system(SystemActor::Authenticator);
    let mut unit = system.read().await?;
    let now = state.clock.now();
    let mut viewers = unit.chat_viewers();
    let download = viewers.chat_file_download_get(&hash, now).await?;
    let person = standing(&mut unit, download.user_id).await?;
    // No key has such an id, and nobody waits for its end: the address is used once, and then again.
    let id = format!("download/{}", download.user_id);
    let acting = acting(state, &mut unit, person, (&SCOPES, id), request_id).await?;
    Ok((state.authorized.as_actor(acting.actor), download.file_id))
}
