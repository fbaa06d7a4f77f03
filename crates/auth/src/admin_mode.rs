//! Admin mode: for a while a session may do what concerns the whole deployment's money, once its person has proved
//! again who they are.
//!
//! It adds no right: whoever may do nothing of the kind may do nothing more in it. It belongs to one session, ends by
//! the database's clock, and with a password change. An API token has the scope `admin_mode` instead.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use dbauthz::{SystemActor, SystemStore};
use model::{
    Name, UserId,
    api_keys::ApiKeyKind,
    users::{Credentials, LoginType, UserStatus},
};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{
    AuthState, Caller, PasswordError,
    confirm::{ConfirmError, confirm},
};

/// How long admin mode lasts when nobody says otherwise.
pub const ADMIN_MODE_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// Whether a key is in admin mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminMode {
    /// Whether it is.
    pub active: bool,
    /// Until when; absent when it is not, and for a token, which is in it for as long as it lives.
    pub until: Option<DateTime<Utc>>,
}

/// Why a session was not put into admin mode, or out of it.
#[derive(Debug, thiserror::Error)]
pub enum AdminModeError {
    /// It is no session, but an API token.
    #[error("an API token has no admin mode but its scope")]
    NotASession,
    /// The person has no password: they prove who they are at the identity provider.
    #[error("the account has no password")]
    Oidc,
    /// The person has a password, and did not give it.
    #[error("the password is required")]
    PasswordMissing,
    /// The password is another.
    #[error("the password is incorrect")]
    Incorrect,
    /// There were too many tries.
    #[error("too many tries")]
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

impl From<ConfirmError> for AdminModeError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Incorrect => Self::Incorrect,
            ConfirmError::TooMany { retry_after } => Self::TooMany { retry_after },
            ConfirmError::Password(error) => Self::Password(error),
            ConfirmError::Store(error) => Self::Store(error),
        }
    }
}

/// Puts the caller's session into admin mode, by their password. In it already, it lasts anew from now on.
///
/// # Errors
/// See [`AdminModeError`].
pub async fn admin_mode_begin(
    state: &AuthState,
    caller: &Caller,
    password: Option<&str>,
) -> Result<AdminMode, AdminModeError> {
    session_only(caller)?;
    if at_the_provider(state, caller).await? {
        return Err(AdminModeError::Oidc);
    }
    let password = password.ok_or(AdminModeError::PasswordMissing)?;
    let verified = confirm(state, caller, password).await?;
    let session = Session {
        user_id: caller.user_id,
        username: &caller.username,
        key_id: &caller.key_id,
        request_id: caller.request_id,
    };
    let same = |present: &Credentials| present.password_hash == verified.password_hash;
    let until = session.begin(state, same).await?;
    let until = until.ok_or(AdminModeError::Incorrect)?;
    Ok(AdminMode {
        active: true,
        until: Some(until),
    })
}

/// Takes the caller's session out of admin mode.
///
/// # Errors
/// [`AdminModeError::NotASession`], [`AdminModeError::Store`].
pub async fn admin_mode_end(state: &AuthState, caller: &Caller) -> Result<(), AdminModeError> {
    session_only(caller)?;
    let system = authenticator(state, caller.request_id);
    let system = system.on_behalf_of(caller.user_id, &caller.username);
    let mut unit = system.begin().await?;
    unit.presented_keys().admin_mode_end(&caller.key_id).await?;
    unit.commit().await?;
    Ok(())
}

/// Refuses what is no session.
pub(crate) fn session_only(caller: &Caller) -> Result<(), AdminModeError> {
    match caller.store.actor().key.kind {
        ApiKeyKind::Session => Ok(()),
        ApiKeyKind::Token => Err(AdminModeError::NotASession),
    }
}

/// A session whose person has just proved who they are.
pub(crate) struct Session<'a> {
    pub(crate) user_id: UserId,
    pub(crate) username: &'a Name,
    pub(crate) key_id: &'a str,
    pub(crate) request_id: Option<Uuid>,
}

impl Session<'_> {
    /// Puts it into admin mode, unless what was proved does not hold any more for the present credentials: `None` then,
    /// and when the account may not act. Until when, otherwise.
    pub(crate) async fn begin(
        &self,
        state: &AuthState,
        holds: impl FnOnce(&Credentials) -> bool,
    ) -> StoreResult<Option<DateTime<Utc>>> {
        let system = authenticator(state, self.request_id);
        let system = system.on_behalf_of(self.user_id, self.username);
        let mut unit = system.begin().await?;
        // This locks the account's row: a password that is changed meanwhile, or an account that is suspended, is so
        // before, and is seen, or after: either takes the session out again.
        unit.logins().user_seen(self.user_id).await?;
        let present = unit.logins().credentials_get_by_user(self.user_id).await?;
        let active = |present: &Credentials| present.status == UserStatus::Active;
        if !present.is_some_and(|present| active(&present) && holds(&present)) {
            return Ok(None);
        }
        let lifetime = state.admin_mode_lifetime;
        let until = unit
            .presented_keys()
            .admin_mode_begin(self.key_id, lifetime)
            .await?;
        unit.commit().await?;
        Ok(Some(until))
    }
}

fn authenticator(state: &AuthState, request_id: Option<Uuid>) -> SystemStore {
    state
        .authorized
        .as_system(SystemActor::Authenticator)
        .with_request_id(request_id)
}

/// Whether the caller signs in at the identity provider alone.
async fn at_the_provider(state: &AuthState, caller: &Caller) -> StoreResult<bool> {
    let mut unit = authenticator(state, None).read().await?;
    let found = unit
        .logins()
        .credentials_get_by_user(caller.user_id)
        .await?;
    Ok(found.is_some_and(|found| found.login_type == LoginType::Oidc))
}
