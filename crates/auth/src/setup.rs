//! The first account of a deployment.

use dbauthz::SystemActor;
use model::{
    Name, OrganizationId, UserId,
    organizations::NewOrganization,
    users::{EmailAddress, LoginType, NewUser},
};
use rbac::{ShareableOwners, builtin};
use secrecy::{ExposeSecret, SecretString};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{AuthState, PasswordError, PasswordPolicyError, password_check};

/// The first organization's name in addresses; `default` finds it too.
const ORGANIZATION_NAME: &str = "main";
/// The first organization's name for people.
const ORGANIZATION_DISPLAY_NAME: &str = "Main";

/// The first account.
#[derive(Debug)]
pub struct FirstUser {
    /// Its e-mail address.
    pub email: EmailAddress,
    /// Its unique name.
    pub username: Name,
    /// The name that people read; may be empty.
    pub name: String,
    /// Its password.
    pub password: SecretString,
}

/// Why the first account was not made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is an account already.
    #[error("the first account was made already")]
    AlreadyDone,
    /// The password cannot be taken.
    #[error("the password {0}")]
    Policy(#[from] PasswordPolicyError),
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Password(#[from] PasswordError),
    /// The store refused or failed.
    #[error("the store refused or failed")]
    Store(#[from] StoreError),
}

/// Whether the first account was made.
///
/// # Errors
/// Whatever the store says.
pub async fn first_user_exists(state: &AuthState) -> StoreResult<bool> {
    let mut unit = state
        .authorized
        .as_system(SystemActor::Setup)
        .read()
        .await?;
    unit.setup().first_user_exists().await
}

/// Makes the first account, an owner, and the default organization with it as a member. Once only, also when
/// two requests race.
///
/// # Errors
/// See [`SetupError`].
pub async fn first_user_create(
    state: &AuthState,
    user: FirstUser,
    request_id: Option<Uuid>,
) -> Result<(UserId, OrganizationId), SetupError> {
    // Asked before the password is hashed, since anybody may ask; decided under the lock.
    if first_user_exists(state).await? {
        return Err(SetupError::AlreadyDone);
    }
    let password = user.password.expose_secret();
    password_check(password)?;
    let hash = state.passwords.hash(password).await?;
    let name = ORGANIZATION_NAME.parse::<Name>();
    let organization = NewOrganization {
        id: OrganizationId(state.ids.next()),
        name: name.map_err(|error| StoreError::Internal(Box::new(error)))?,
        display_name: ORGANIZATION_DISPLAY_NAME.to_owned(),
        description: String::new(),
        icon: String::new(),
        shareable_workspace_owners: ShareableOwners::default(),
    };
    let user = NewUser {
        id: UserId(state.ids.next()),
        email: user.email,
        username: user.username,
        name: user.name,
        login_type: LoginType::Password,
        password_hash: Some(hash),
        roles: vec![builtin::OWNER.to_owned()],
        organization_ids: Vec::new(),
    };
    let system = state
        .authorized
        .as_system(SystemActor::Setup)
        .with_request_id(request_id);
    let mut unit = system.begin().await?;
    let made = unit.setup().first_user_create(&organization, &user).await?;
    let (organization, user) = made.ok_or(SetupError::AlreadyDone)?;
    unit.commit().await?;
    Ok((user.id, organization.id))
}
