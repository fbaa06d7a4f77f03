//! What people's rights are made of.

use model::{
    UserId,
    subjects::{SubjectRoles, SubjectStanding},
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "subject_roles_get",
        Shape::Fetch,
        &["user:read", "assign_role:read", "organization:read"],
        "every member may see which roles there are, so seeing who holds them takes the right to see the person, and \
         every organization that the person has roles in",
    ),
    rule(
        "subject_standing_list",
        Shape::Check,
        &["user:read"],
        "everybody's",
    ),
];

wrapper! {
    /// What people's rights are made of, each call authorized.
    Subjects
}

impl<U: store::ReadUnit + ?Sized> Subjects<'_, U> {
    /// The roles and groups of a person, in the site and in every organization.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn subject_roles_get(&mut self, user: UserId) -> StoreResult<SubjectRoles> {
        let roles = self.unit.subject_roles_get(user).await?;
        let roles = roles.ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &Object::user(user.0))?;
        self.gate.check(Action::Read, &Object::assign_role())?;
        for organization in &roles.organizations {
            let organization = Object::organization(organization.id.0);
            self.gate.check(Action::Read, &organization)?;
        }
        Ok(roles)
    }

    /// How these people stand; deleted ones are missing.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn subject_standing_list(
        &mut self,
        users: &[UserId],
    ) -> StoreResult<Vec<SubjectStanding>> {
        self.gate
            .check(Action::Read, &Object::new(ResourceType::User))?;
        self.unit.subject_standing_list(users).await
    }
}
