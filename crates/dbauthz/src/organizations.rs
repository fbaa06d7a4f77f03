//! Organizations and memberships.

use model::{
    Name, OrganizationId, UserId,
    organizations::{NewOrganization, Organization, OrganizationMember, OrganizationUpdate},
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult};

use crate::{
    assignments::{defaults_change, may_give_defaults, may_take_all, roles_change},
    rules::{Rule, Shape, rule},
    system_roles::{ReconcileMode, follow_settings, reconcile, refuse_beside_newer},
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
        &[
            "organization:update",
            "assign_org_role:assign",
            "assign_org_role:unassign",
            "give a role",
            "take a role",
        ],
        "each role that every member shall hold or hold no more",
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
        "organization_member_find",
        Shape::Fetch,
        &["organization_member:read"],
        "by id, username or `me`; the right to see the person's account is not needed",
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
        "locks the organization; each role named, and those that every member holds",
    ),
    rule(
        "organization_member_delete",
        Shape::Lock,
        &["organization_member:delete", "take a role"],
        "locks the organization; also one's own; each role held ends with it, also those that every member holds \
         unless the caller is a member",
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

    /// One membership as an address names it: by the person's id or username, or `me` for the caller. Whoever looks after
    /// an organization need not see accounts to reach its members.
    ///
    /// # Errors
    /// `NotFound`, also for a text that can be no name; `Denied`.
    pub async fn organization_member_find(
        &mut self,
        organization: OrganizationId,
        user: &str,
    ) -> StoreResult<OrganizationMember> {
        let id = if user.eq_ignore_ascii_case("me") {
            self.gate.actor().ok_or(StoreError::NotFound)?.user_id
        } else if let Ok(id) = user.parse() {
            id
        } else {
            let name = user.parse().ok().ok_or(StoreError::NotFound)?;
            let found = self.unit.user_get_by_name(&name).await?;
            found.ok_or(StoreError::NotFound)?.id
        };
        self.organization_member_get(organization, id).await
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
        made_with_roles(self.unit, new).await
    }

    /// Changes an organization. What follows from another rule about sharing is part of it: the roles that come
    /// with membership, and the end of what may not be shared any more. Changing the roles that every member holds is
    /// giving and taking the difference.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `RoleNotAssignable`, `NoDefaultRole`; `Refused` for the rule about sharing while a newer
    /// server defines the roles; as [`store::organizations::OrganizationWrite::organization_update`].
    pub async fn organization_update(
        &mut self,
        id: OrganizationId,
        update: &OrganizationUpdate,
    ) -> StoreResult<Organization> {
        let settings = update.shareable_workspace_owners;
        if settings.is_some() {
            // All organizations share this lock: who may not change this one never waits for it, nor holds it.
            self.gate
                .check(Action::Update, &Object::organization(id.0))?;
            self.unit.system_role_lock().await?;
        }
        let organization = self.locked(id).await?;
        self.gate
            .check(Action::Update, &Object::organization(organization.id.0))?;
        if settings.is_some_and(|new| new != organization.shareable_workspace_owners) {
            refuse_beside_newer(self.unit, id).await?;
        }
        let mut update = update.clone();
        if let Some(names) = &mut update.default_org_member_roles {
            let held = &organization.default_org_member_roles;
            *names = defaults_change(self.gate, self.unit, id, held, names).await?;
        }
        let changed = self.unit.organization_update(id, &update).await?;
        if let Some(settings) = settings {
            follow_settings(self.unit, id, settings).await?;
        }
        Ok(changed)
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

    /// Adds a person to an organization: takes being able to give the roles that every member holds there. Implied
    /// roles among those named are dropped.
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
        let found = self.locked(organization).await?;
        let object = Object::organization_member(organization.0, user.0);
        self.gate.check(Action::Create, &object)?;
        let defaults = &found.default_org_member_roles;
        may_give_defaults(self.gate, self.unit, organization, defaults).await?;
        let roles = match roles {
            [] => Vec::new(),
            named => roles_change(self.gate, self.unit, Some(organization), &[], named).await?,
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
        may_take_all(self.gate, self.unit, organization, &member.roles).await?;
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
        let held = &member.roles;
        let org = Some(organization);
        let wanted = roles_change(self.gate, self.unit, org, held, roles).await?;
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

/// Makes an organization with its system roles as they are to be: nobody ever sees it without.
pub(crate) async fn made_with_roles<U>(
    unit: &mut U,
    new: &NewOrganization,
) -> StoreResult<Organization>
where
    U: store::WriteUnit + ?Sized,
{
    unit.system_role_lock().await?;
    let made = unit.organization_create(new).await?;
    reconcile(unit, Some(made.id), ReconcileMode::Apply).await?;
    Ok(made)
}

const fn membership(member: &OrganizationMember) -> Object {
    Object::organization_member(member.organization_id.0, member.user_id.0)
}
