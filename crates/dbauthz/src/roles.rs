//! Custom roles of an organization, and which roles there are to be given.

use std::sync::Arc;

use model::{
    Name, OrganizationId,
    organizations::Organization,
    roles::{CustomRole, CustomRoleDefinition, NewCustomRole},
};
use rbac::{Action, Level, Object, OrgPermissions, ResourceType, Role, builtin, unreachable};
use store::{StoreError, StoreResult};

use crate::{
    assignments::{may_be_default, role},
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "custom_role_list",
        Shape::Check,
        &["assign_org_role:read"],
        "",
    ),
    rule(
        "organization_role_list",
        Shape::Check,
        &["assign_org_role:read"],
        "the program's and the organization's own, without those that come with membership",
    ),
    rule("site_role_list", Shape::Check, &["assign_role:read"], ""),
    rule(
        "custom_role_create",
        Shape::Lock,
        &["assign_org_role:create", "grant permissions"],
        "locks the organization; nobody grants what they do not hold",
    ),
    rule("custom_role_lock", Shape::Inside, &[], ""),
    rule(
        "custom_role_update",
        Shape::Lock,
        &["assign_org_role:update", "grant permissions"],
        "locks the organization; the permissions that it shall hold, then those that it held: nobody changes a role \
         that they could not make",
    ),
    rule(
        "custom_role_delete",
        Shape::Lock,
        &["assign_org_role:delete", "grant permissions"],
        "locks the organization; nobody deletes a role that they could not make; it is taken from everybody who holds it",
    ),
];

/// A role that there is to be given in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRole {
    /// What it is called and what it holds.
    pub role: Arc<Role>,
    /// The organization that made it for itself; `None` for one of the program's.
    pub made_by: Option<OrganizationId>,
    /// Whether the caller may give it there.
    pub assignable: bool,
}

wrapper! {
    /// Custom roles of an organization, each call authorized.
    Roles
}

impl<U: store::ReadUnit + ?Sized> Roles<'_, U> {
    /// The custom roles of an organization, by name.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn custom_role_list(
        &mut self,
        organization: OrganizationId,
    ) -> StoreResult<Vec<CustomRole>> {
        let desk = Object::assign_org_role(organization.0);
        self.gate.check(Action::Read, &desk)?;
        self.unit.custom_role_list(organization).await
    }

    /// The roles that there are to be given in an organization: the program's, then its own by name.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn organization_role_list(
        &mut self,
        organization: OrganizationId,
    ) -> StoreResult<Vec<ListedRole>> {
        let own = self.custom_role_list(organization).await?;
        let own = own
            .into_iter()
            .map(|custom| (Arc::new(role(custom)), Some(organization)));
        let built_in = builtin::org_roles()
            .iter()
            .map(|role| (Arc::clone(role), None));
        let place = Some(organization);
        let listed = built_in.chain(own);
        Ok(listed
            .map(|(role, made_by)| self.listed(role, made_by, place))
            .collect())
    }

    /// The roles that there are to be given in the site, without the one that everybody holds.
    ///
    /// # Errors
    /// `Denied`.
    pub fn site_role_list(&self) -> StoreResult<Vec<ListedRole>> {
        self.gate.check(Action::Read, &Object::assign_role())?;
        let roles = builtin::site_roles()
            .iter()
            .filter(|role| !role.is_implied());
        Ok(roles
            .map(|role| self.listed(Arc::clone(role), None, None))
            .collect())
    }

    fn listed(
        &self,
        role: Arc<Role>,
        made_by: Option<OrganizationId>,
        place: Option<OrganizationId>,
    ) -> ListedRole {
        let place = place.map(|org| org.0);
        let actor = self.gate.actor();
        let assignable = actor.is_some_and(|a| a.subject.may_assign(&role, place).is_ok());
        ListedRole {
            role,
            made_by,
            assignable,
        }
    }
}

impl<U: store::WriteUnit + ?Sized> Roles<'_, U> {
    /// Makes a custom role.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `NotGrantable` for a permission that the caller may not put into it; as
    /// [`store::roles::RoleWrite::custom_role_create`].
    pub async fn custom_role_create(&mut self, new: &NewCustomRole) -> StoreResult<CustomRole> {
        let org = self.desk(new.organization_id, Action::Create).await?.id;
        self.gate.may_grant(org.0, &asked(&new.definition))?;
        self.unit.custom_role_create(new).await
    }

    /// Replaces what a custom role, found by its name without regard to case, is and holds.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `NotGrantable` for a permission that the caller may not put into it;
    /// `RoleNotAssignable` for a role that the caller could not make as it was; `Refused` for a negative permission in
    /// a role that every member holds.
    pub async fn custom_role_update(
        &mut self,
        organization: OrganizationId,
        name: &Name,
        definition: &CustomRoleDefinition,
    ) -> StoreResult<CustomRole> {
        let organization = self.desk(organization, Action::Update).await?;
        let before = self.locked(organization.id, name).await?;
        self.gate.may_grant(organization.id.0, &asked(definition))?;
        self.could_make(&before)?;
        let mut defaults = organization.default_org_member_roles.iter();
        if defaults.any(|name| name == before.name.as_str()) {
            let mut after = before.clone();
            after
                .org_permissions
                .clone_from(&definition.org_permissions);
            may_be_default(&role(after))?;
        }
        self.unit.custom_role_update(before.id, definition).await
    }

    /// Removes a custom role, found by its name without regard to case, and takes it from everybody who holds it.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `RoleNotAssignable` for a role that the caller could not make.
    pub async fn custom_role_delete(
        &mut self,
        organization: OrganizationId,
        name: &Name,
    ) -> StoreResult<()> {
        let org = self.desk(organization, Action::Delete).await?.id;
        let before = self.locked(org, name).await?;
        self.could_make(&before)?;
        self.unit.custom_role_delete(before.id).await
    }

    /// Locks the organization, so that nobody is given a role that is about to go, and asks for the right.
    async fn desk(&mut self, id: OrganizationId, action: Action) -> StoreResult<Organization> {
        let organization = self.unit.organization_lock(id).await?;
        let organization = organization.ok_or(StoreError::NotFound)?;
        let desk = Object::assign_org_role(organization.id.0);
        self.gate.check(action, &desk)?;
        Ok(organization)
    }

    async fn locked(&mut self, org: OrganizationId, name: &Name) -> StoreResult<CustomRole> {
        let found = self.unit.custom_role_lock(org, name).await?;
        found.ok_or(StoreError::NotFound)
    }

    /// Refuses unless the caller holds what the role holds: who changes or removes it takes from its holders, and a
    /// negative permission that is gone gives to them. What can never match matters to nobody.
    fn could_make(&self, role: &CustomRole) -> StoreResult<()> {
        let mut held = OrgPermissions {
            org: role.org_permissions.clone(),
            member: role.member_permissions.clone(),
        };
        held.org
            .retain(|held| unreachable(Level::Organization, *held).is_none());
        held.member
            .retain(|held| unreachable(Level::Member, *held).is_none());
        let outcome = self.gate.may_grant(role.organization_id.0, &held);
        outcome.map_err(|error| match error {
            StoreError::NotGrantable { reason } => StoreError::RoleNotAssignable {
                resource: ResourceType::AssignOrgRole,
                reason: format!("the role `{}` is not yours to change: {reason}", role.name),
            },
            other => other,
        })
    }
}

fn asked(definition: &CustomRoleDefinition) -> OrgPermissions {
    OrgPermissions {
        org: definition.org_permissions.clone(),
        member: definition.member_permissions.clone(),
    }
}
