//! People and service accounts.

use async_trait::async_trait;
use model::{
    Name, Page, PageRequest, UserId,
    users::{Credentials, EmailAddress, NewUser, PasswordHash, User, UserFilter, UserStatus},
};
use rbac::Visibility;

use crate::StoreResult;

/// Reads accounts. Deleted ones are never seen.
#[async_trait]
pub trait UserRead: Send {
    /// Whether the first account was made.
    async fn first_user_exists(&mut self) -> StoreResult<bool>;
    /// One account.
    async fn user_get(&mut self, id: UserId) -> StoreResult<Option<User>>;
    /// One account by its unique name, without regard to case.
    async fn user_get_by_name(&mut self, username: &Name) -> StoreResult<Option<User>>;
    /// A page of the accounts that the visibility admits, by username.
    async fn user_list(
        &mut self,
        filter: &UserFilter,
        page: PageRequest,
        visibility: &Visibility,
    ) -> StoreResult<Page<User>>;
    /// What signing in by e-mail address needs, without regard to case.
    async fn credentials_get(&mut self, email: &EmailAddress) -> StoreResult<Option<Credentials>>;
    /// What confirming one's old password needs.
    async fn credentials_get_by_user(&mut self, id: UserId) -> StoreResult<Option<Credentials>>;
}

/// Changes accounts.
#[async_trait]
pub trait UserWrite: UserRead {
    /// Takes the lock under which the first account is made, so that two requests cannot both make it.
    async fn first_user_lock(&mut self) -> StoreResult<()>;
    /// Makes an account, and its memberships.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `users_username_key` or `users_email_key`;
    /// [`crate::StoreError::NotFound`] when an organization does not exist.
    async fn user_create(&mut self, user: &NewUser) -> StoreResult<User>;
    /// One account, its row and its memberships locked until the unit ends, so that no role of it changes.
    async fn user_lock(&mut self, id: UserId) -> StoreResult<Option<User>>;
    /// Marks an account deleted; ends its keys and memberships. Its name and address become free.
    async fn user_delete(&mut self, id: UserId) -> StoreResult<()>;
    /// Lets an account act, or stops it.
    async fn user_status_update(&mut self, id: UserId, status: UserStatus) -> StoreResult<User>;
    /// Replaces the site roles that an account was given.
    async fn user_roles_update(&mut self, id: UserId, roles: &[String]) -> StoreResult<User>;
    /// Replaces the password. Ending the sessions is `api_key_delete_sessions`.
    async fn user_password_update(&mut self, id: UserId, hash: &PasswordHash) -> StoreResult<()>;
    /// Stamps the present instant as the last sign-in; not audited.
    async fn user_seen(&mut self, id: UserId) -> StoreResult<()>;
    /// How many active accounts hold the site role `owner`, their rows locked, so that the last cannot go.
    async fn owner_count_lock(&mut self) -> StoreResult<u64>;
}
