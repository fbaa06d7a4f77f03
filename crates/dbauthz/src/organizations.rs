//! Organizations and memberships.

use model::{
    Name, OrganizationId, UserId,
    organizations::{NewOrganization, Organization, OrganizationMember, OrganizationUpdate},
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult};

use crate::{
    assignments::{may_take_all, roles_change},
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule("organization_get", Shape::Fetch, &["organization:read"], ""),
    rule(
        "organization_get_by_name",
        Shape::Fetch,
        &["organization:read"],
        "",
    ),
    rule(
        "organization_find",
        Shape::Fetch,
        &["organization:read"],
        "by id, name or `default`",
    ),
    rule(
        "organization_list",
        Shape::Visibility,
        &["organization:read"],
        "",
    ),
    rule(
        "organization_create",
        Shape::Check,
        &["organization:create"],
        "",
    ),
    rule("organization_lock", Shape::Inside, &[], ""),
    rule(
        "organization_update",
        Shape::Lock,
        &["organization:update"],
        "",
    ),
    rule(
        "organization_delete",
        Shape::Lock,
        &["organization:delete"],
        "",
    ),
    rule(
        "organization_member_get",
        Shape::Fetch,
        &["organization_member:read"],
        "",
    ),
    rule(
        "organization_member_list",
        Shape::Visibility,
        &["organization_member:read"],
        "",
    ),
    rule(
        "organization_member_create",
        Shape::Lock,
        &[
            "organization_member:create",
            "assign_org_role:assign",
            "give a role",
        ],
        "locks the organization; each role named",
    ),
    rule(
        "organization_member_delete",
        Shape::Lock,
        &["organization_member:delete", "take a role"],
        "locks the organization; also one's own; each role held ends with it",
    ),
    rule(
        "organization_member_roles_update",
        Shape::Lock,
        &[
            "organization_member:read",
            "assign_org_role:assign",
            "assign_org_role:unassign",
            "give a role",
            "take a role",
        ],
        "locks the organization; nobody changes their own",
    ),
];

wrapper! {
    /// Organizations and memberships, each call authorized.
    Organizations
}

impl<U: store::ReadUnit + ?Sized> Organizations<'_, U> {
    /// One organization.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn organization_get(&mut self, id: OrganizationId) -> StoreResult<Organization> {
        let organization = self.unit.organization_get(id).await?;
        self.readable(organization)
    }

    /// One organization by its unique name, without regard to case; `default` finds the default one.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn organization_get_by_name(&mut self, name: &Name) -> StoreResult<Organization> {
        let organization = self.unit.organization_get_by_name(name).await?;
        self.readable(organization)
    }

    /// One organization as an address names it: by id, by name, or `default`.
    ///
    /// # Errors
    /// `NotFound`, also for a text that can be no name; `Denied`.
    pub async fn organization_find(&mut self, text: &str) -> StoreResult<Organization> {
        if let Ok(id) = text.parse() {
            return self.organization_get(id).await;
        }
        let name = text.parse().ok().ok_or(StoreError::NotFound)?;
        self.organization_get_by_name(&name).await
    }

    /// The organizations that the caller may read, by name.
    ///
    /// # Errors
    /// None of its own.
    pub async fn organization_list(&mut self) -> StoreResult<Vec<Organization>> {
        let visibility = self.gate.readable(ResourceType::Organization);
        self.unit.organization_list(&visibility).await
    }

    /// One membership.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn organization_member_get(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> StoreResult<OrganizationMember> {
        let member = self
            .unit
            .organization_member_get(organization, user)
            .await?;
        let member = member.ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &membership(&member))?;
        Ok(member)
    }

    /// The memberships of an organization that the caller may read, by username.
    ///
    /// # Errors
    /// None of its own: an organization that does not exist has no members.
    pub async fn organization_member_list(
        &mut self,
        organization: OrganizationId,
    ) -> StoreResult<Vec<OrganizationMember>> {
        let visibility = self.gate.readable(ResourceType::OrganizationMember);
        self.unit
            .organization_member_list(organization, &visibility)
            .await
    }

    fn readable(&self, organization: Option<Organization>) -> StoreResult<Organization> {
        let organization = organization.ok_or(StoreError::NotFound)?;
        self.gate
            .check(Action::Read, &Object::organization(organization.id.0))?;
        Ok(organization)
    }
}

impl<U: store::WriteUnit + ?Sized> Organizations<'_, U> {
    /// Makes an organization with its Everyone group. Its maker does not join it.
    ///
    /// # Errors
    /// `Denied`; as [`store::organizations::OrganizationWrite::organization_create`].
    pub async fn organization_create(
        &mut self,
        new: &NewOrganization,
    ) -> StoreResult<Organization> {
        self.gate
            .check(Action::Create, &Object::new(ResourceType::Organization))?;
        self.unit.organization_create(new).await
    }

    /// Changes an organization.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; as [`store::organizations::OrganizationWrite::organization_update`].
    pub async fn organization_update(
        &mut self,
        id: OrganizationId,
        update: &OrganizationUpdate,
    ) -> StoreResult<Organization> {
        let organization = self.locked(id).await?;
        self.gate
            .check(Action::Update, &Object::organization(organization.id.0))?;
        self.unit.organization_update(id, update).await
    }

    /// Marks an organization deleted; removes its groups and memberships.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; as [`store::organizations::OrganizationWrite::organization_delete`].
    pub async fn organization_delete(&mut self, id: OrganizationId) -> StoreResult<()> {
        let organization = self.locked(id).await?;
        self.gate
            .check(Action::Delete, &Object::organization(organization.id.0))?;
        self.unit.organization_delete(id).await
    }

    /// Adds a person to an organization. Implied roles among those named are dropped.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `RoleNotAssignable`; as
    /// [`store::organizations::OrganizationWrite::organization_member_create`].
    pub async fn organization_member_create(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        roles: &[String],
    ) -> StoreResult<OrganizationMember> {
        let organization = self.locked(organization).await?.id;
        let object = Object::organization_member(organization.0, user.0);
        self.gate.check(Action::Create, &object)?;
        let roles = match roles {
            [] => Vec::new(),
            named => roles_change(self.gate, Some(organization), &[], named)?,
        };
        self.unit
            .organization_member_create(organization, user, &roles)
            .await
    }

    /// Removes a person's group memberships of the organization, then the membership itself.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `RoleNotAssignable` when the member holds a role that the caller may not take.
    pub async fn organization_member_delete(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> StoreResult<()> {
        let member = self.locked_member(organization, user).await?;
        self.gate.check(Action::Delete, &membership(&member))?;
        may_take_all(self.gate, member.organization_id, &member.roles)?;
        self.unit
            .organization_member_delete(organization, user)
            .await
    }

    /// Replaces the roles that a member was given. Implied roles among those named are dropped.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `RoleNotAssignable`; `Refused` for one's own roles.
    pub async fn organization_member_roles_update(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        roles: &[String],
    ) -> StoreResult<OrganizationMember> {
        let member = self.locked_member(organization, user).await?;
        self.gate.check(Action::Read, &membership(&member))?;
        if self.gate.acts_as(user) {
            let text = "You cannot change your own organization roles.".to_owned();
            return Err(StoreError::Refused(text));
        }
        let wanted = roles_change(self.gate, Some(organization), &member.roles, roles)?;
        self.unit
            .organization_member_roles_update(organization, user, &wanted)
            .await
    }

    async fn locked(&mut self, id: OrganizationId) -> StoreResult<Organization> {
        self.unit
            .organization_lock(id)
            .await?
            .ok_or(StoreError::NotFound)
    }

    /// A membership, held still by its organization's lock.
    async fn locked_member(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> StoreResult<OrganizationMember> {
        self.locked(organization).await?;
        let member = self
            .unit
            .organization_member_get(organization, user)
            .await?;
        member.ok_or(StoreError::NotFound)
    }
}

const fn membership(member: &OrganizationMember) -> Object {
    Object::organization_member(member.organization_id.0, member.user_id.0)
}
