//! Whether somebody who is signed in knows their password: asked before what a stolen session must not do.

use std::time::Duration;

use dbauthz::SystemActor;
use model::users::{Credentials, LoginType};
use store::StoreError;

use crate::{AuthState, Caller, PasswordError};

/// Why a password does not confirm who somebody is.
#[derive(Debug)]
pub(crate) enum ConfirmError {
    /// It is another, or there is none.
    Incorrect,
    /// There were too many tries.
    TooMany {
        /// How long to wait, in whole seconds.
        retry_after: Duration,
    },
    /// It could not be verified.
    Password(PasswordError),
    /// The store failed.
    Store(StoreError),
}

impl From<PasswordError> for ConfirmError {
    fn from(error: PasswordError) -> Self {
        Self::Password(error)
    }
}

impl From<StoreError> for ConfirmError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Confirms that the caller knows their password, and gives what it was verified by. Tries are counted for the person,
/// whatever it is asked for.
pub(crate) async fn confirm(
    state: &AuthState,
    caller: &Caller,
    password: &str,
) -> Result<Credentials, ConfirmError> {
    // An id is no e-mail address, so the two never share a count.
    let name = caller.user_id.to_string();
    let throttled = state.throttle.admit(&name, state.clock.now());
    throttled.map_err(|retry_after| ConfirmError::TooMany { retry_after })?;
    let system = state.authorized.as_system(SystemActor::Authenticator);
    let found = system
        .read()
        .await?
        .logins()
        .credentials_get_by_user(caller.user_id)
        .await?;
    // No connection is held while the password is hashed.
    let hash = found
        .as_ref()
        .filter(|found| found.login_type == LoginType::Password)
        .and_then(|found| found.password_hash.as_ref());
    let right = state.passwords.verify(hash, password).await?;
    let verified = found.filter(|_| right).ok_or(ConfirmError::Incorrect)?;
    state.throttle.forget(&name);
    Ok(verified)
}
