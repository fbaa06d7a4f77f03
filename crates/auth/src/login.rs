//! Signing in by e-mail address and password, and signing out.

use std::time::Duration;

use dbauthz::SystemActor;
use model::{
    UserId,
    api_keys::ApiKey,
    users::{Credentials, EmailAddress, LoginType, UserStatus},
};
use secrecy::SecretString;
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{AuthState, Caller, PasswordError, sessions::session_create};

/// A session that was made by signing in.
#[derive(Debug)]
pub struct Login {
    /// The text to present.
    pub token: SecretString,
    /// The session as it is stored.
    pub key: ApiKey,
    /// Who signed in.
    pub user_id: UserId,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such account, it has no password, or the password is another: not told apart.
    #[error("the address or the password is wrong")]
    Incorrect,
    /// The password is right, but the account may not act.
    #[error("the account is suspended")]
    Suspended,
    /// There were too many tries for this address.
    #[error("too many tries to sign in")]
    TooMany {
        /// How long to wait, in whole seconds.
        retry_after: Duration,
    },
    /// The password could not be verified.
    #[error("the password could not be verified")]
    Password(#[from] PasswordError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl LoginError {
    /// The text for the caller, which existing clients know.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        match self {
            Self::Incorrect => "Incorrect email or password.",
            Self::Suspended => {
                "Your account is suspended. Contact an admin to reactivate your account."
            }
            Self::TooMany { .. } => {
                "Too many attempts to sign in. Please wait before you try again."
            }
            Self::Password(PasswordError::Busy) => {
                "Too many people are signing in. Please try again."
            }
            Self::Password(_) | Self::Store(_) => "An internal error occurred.",
        }
    }
}

/// Signs in. A wrong password and an unknown address are answered alike, in like time.
///
/// # Errors
/// See [`LoginError`].
pub async fn login(
    state: &AuthState,
    email: &str,
    password: &str,
    request_id: Option<Uuid>,
) -> Result<Login, LoginError> {
    let throttled = state.throttle.admit(email, state.clock.now());
    throttled.map_err(|retry_after| LoginError::TooMany { retry_after })?;
    let system = state
        .authorized
        .as_system(SystemActor::Authenticator)
        .with_request_id(request_id);

    let credentials = match email.parse::<EmailAddress>() {
        Ok(email) => {
            system
                .read()
                .await?
                .logins()
                .credentials_get(&email)
                .await?
        }
        Err(_) => None,
    };
    // No connection is held while the password is hashed.
    let hash = credentials
        .as_ref()
        .filter(|found| found.login_type == LoginType::Password);
    let hash = hash.and_then(|found| found.password_hash.as_ref());
    let right = state.passwords.verify(hash, password).await?;
    let verified = credentials.filter(|_| right).ok_or(LoginError::Incorrect)?;
    state.throttle.forget(email);
    if verified.status == UserStatus::Suspended {
        return Err(LoginError::Suspended);
    }

    let user = system
        .read()
        .await?
        .users()
        .user_get(verified.user_id)
        .await;
    let user = user.map_err(gone)?;
    let mut unit = system.on_behalf_of(user.id, &user.username).begin().await?;
    // This locks the account's row. What was verified must still hold then: a password that was changed
    // meanwhile has ended the sessions made by the old one, and this one would be made after that.
    unit.logins().user_seen(user.id).await.map_err(gone)?;
    let present = unit.logins().credentials_get_by_user(user.id).await?;
    if !present.is_some_and(|present| unchanged(&present, &verified)) {
        return Err(LoginError::Incorrect);
    }
    let created = session_create(&mut unit, user.id).await?;
    unit.commit().await?;
    Ok(Login {
        token: created.token,
        key: created.key,
        user_id: user.id,
    })
}

/// An account that was deleted while its password was verified is an unknown one.
fn gone(error: StoreError) -> LoginError {
    match error {
        StoreError::NotFound => LoginError::Incorrect,
        other => LoginError::Store(other),
    }
}

fn unchanged(present: &Credentials, verified: &Credentials) -> bool {
    present.password_hash == verified.password_hash && present.status == UserStatus::Active
}

/// Signs out: ends the key that the caller came with.
///
/// # Errors
/// As [`dbauthz::ApiKeys::api_key_delete`]: an API token that may not end keys does not end itself either.
pub async fn logout(caller: &Caller) -> StoreResult<()> {
    let mut unit = caller.store.begin().await?;
    unit.api_keys().api_key_delete(&caller.key_id).await?;
    unit.commit().await
}
