//! Signing in by password, and the first account: what system actors do before anybody is known.

use model::{
    UserId,
    organizations::{NewOrganization, Organization},
    users::{Credentials, EmailAddress, NewUser, User},
};
use rbac::{Action, Object, ResourceType};
use store::StoreResult;

use crate::{organizations::made_with_roles, units::wrapper};

wrapper! {
    /// What signing in by password needs. Reached by system actors only.
    Logins
}

impl<U: store::ReadUnit + ?Sized> Logins<'_, U> {
    /// What signing in by e-mail address needs.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn credentials_get(
        &mut self,
        email: &EmailAddress,
    ) -> StoreResult<Option<Credentials>> {
        let found = self.unit.credentials_get(email).await?;
        self.personal(found)
    }

    /// What confirming a password needs.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn credentials_get_by_user(
        &mut self,
        id: UserId,
    ) -> StoreResult<Option<Credentials>> {
        let found = self.unit.credentials_get_by_user(id).await?;
        self.personal(found)
    }

    fn personal(&self, found: Option<Credentials>) -> StoreResult<Option<Credentials>> {
        if let Some(credentials) = &found {
            let user = Object::user(credentials.user_id.0);
            self.gate.check(Action::ReadPersonal, &user)?;
        }
        Ok(found)
    }
}

impl<U: store::WriteUnit + ?Sized> Logins<'_, U> {
    /// Stamps the present instant as the last sign-in.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn user_seen(&mut self, id: UserId) -> StoreResult<()> {
        self.gate
            .check(Action::UpdatePersonal, &Object::user(id.0))?;
        self.unit.user_seen(id).await
    }
}

wrapper! {
    /// The first account. Reached by system actors only.
    Setup
}

impl<U: store::ReadUnit + ?Sized> Setup<'_, U> {
    /// Whether the first account was made.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn first_user_exists(&mut self) -> StoreResult<bool> {
        self.gate
            .check(Action::Read, &Object::new(ResourceType::User))?;
        self.unit.first_user_exists().await
    }
}

impl<U: store::WriteUnit + ?Sized> Setup<'_, U> {
    /// Makes the first account, with the roles it names, and the first organization, which it joins.
    /// `None` when there is an account already, also when two requests race.
    ///
    /// # Errors
    /// `Denied`; as [`store::users::UserWrite::user_create`].
    pub async fn first_user_create(
        &mut self,
        organization: &NewOrganization,
        user: &NewUser,
    ) -> StoreResult<Option<(Organization, User)>> {
        self.gate
            .check(Action::Create, &Object::new(ResourceType::Organization))?;
        self.gate
            .check(Action::Create, &Object::new(ResourceType::User))?;
        let membership = Object::organization_member(organization.id.0, user.id.0);
        self.gate.check(Action::Create, &membership)?;
        self.unit.first_user_lock().await?;
        if self.unit.first_user_exists().await? {
            return Ok(None);
        }
        let organization = made_with_roles(self.unit, organization).await?;
        let user = NewUser {
            organization_ids: vec![organization.id],
            ..user.clone()
        };
        let user = self.unit.user_create(&user).await?;
        Ok(Some((organization, user)))
    }
}
