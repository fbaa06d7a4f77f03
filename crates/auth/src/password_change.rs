//! Changing a password: one's own, by confirming the old one; somebody else's, by right.

use std::time::Duration;

use model::UserId;
use store::StoreError;

use crate::{
    AuthState, Caller, PasswordError, PasswordPolicyError,
    confirm::{ConfirmError, confirm},
    password_check,
};

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordUpdateError {
    /// One's own password is changed with the old one only.
    #[error("the old password is required")]
    OldMissing,
    /// The old password is another.
    #[error("the old password is incorrect")]
    OldIncorrect,
    /// There were too many tries of the old password.
    #[error("too many tries")]
    TooMany {
        /// How long to wait, in whole seconds.
        retry_after: Duration,
    },
    /// The new password is the old one.
    #[error("the new password cannot match the old one")]
    Same,
    /// The new password cannot be taken.
    #[error("the new password {0}")]
    Policy(#[from] PasswordPolicyError),
    /// A password could not be hashed or verified.
    #[error("the password could not be hashed")]
    Password(#[from] PasswordError),
    /// The store refused or failed.
    #[error("the store refused or failed")]
    Store(#[from] StoreError),
}

/// Changes a password and ends the account's other sessions. The caller's own needs the old one: who finds
/// a browser open must not be able to keep the account.
///
/// # Errors
/// See [`PasswordUpdateError`]; refusals as [`dbauthz::Users::user_password_update`].
pub async fn password_update(
    state: &AuthState,
    caller: &Caller,
    user: UserId,
    old: Option<&str>,
    new: &str,
) -> Result<(), PasswordUpdateError> {
    password_check(new)?;
    if user == caller.user_id {
        let old = old.ok_or(PasswordUpdateError::OldMissing)?;
        confirm(state, caller, old).await?;
        if old == new {
            return Err(PasswordUpdateError::Same);
        }
    }
    // No connection is held while the password is hashed.
    let hash = state.passwords.hash(new).await?;
    let mut unit = caller.store.begin().await?;
    unit.users().user_password_update(user, &hash).await?;
    unit.commit().await?;
    Ok(())
}

impl From<ConfirmError> for PasswordUpdateError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Incorrect => Self::OldIncorrect,
            ConfirmError::TooMany { retry_after } => Self::TooMany { retry_after },
            ConfirmError::Password(error) => Self::Password(error),
            ConfirmError::Store(error) => Self::Store(error),
        }
    }
}
