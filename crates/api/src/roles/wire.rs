//! Roles as the wire shows them.

use std::collections::BTreeMap;

use bursar_sdk as sdk;
use dbauthz::{ListedRole, Roles};
use model::{OrganizationId, organizations::OrganizationMember, roles::CustomRole};
use rbac::{Action, ResourceType, builtin};
use store::StoreResult;

use crate::users::slim_roles;

/// Permissions as they are written.
fn permissions(listed: &[rbac::Permission]) -> Vec<sdk::Permission> {
    let written = |permission: &rbac::Permission| sdk::Permission {
        negate: permission.negate,
        resource_type: permission
            .resource
            .map_or("*", ResourceType::as_str)
            .to_owned(),
        action: permission.action.map_or("*", Action::as_str).to_owned(),
    };
    listed.iter().map(written).collect()
}

pub(super) fn assignable(
    listed: &ListedRole,
    place: Option<OrganizationId>,
) -> sdk::AssignableRole {
    let role = &listed.role;
    sdk::AssignableRole {
        role: sdk::Role {
            name: role.name().to_owned(),
            organization_id: place.map(|org| org.0),
            display_name: role.display_name().to_owned(),
            site_permissions: permissions(role.site().listed()),
            organization_permissions: permissions(role.org().listed()),
            user_permissions: permissions(role.user().listed()),
            organization_member_permissions: permissions(role.member().listed()),
        },
        assignable: listed.assignable,
        built_in: listed.made_by.is_none(),
    }
}

pub(super) fn custom(role: CustomRole) -> sdk::Role {
    sdk::Role {
        name: role.name.into(),
        organization_id: Some(role.organization_id.0),
        display_name: role.display_name,
        site_permissions: Vec::new(),
        organization_permissions: permissions(&role.org_permissions),
        user_permissions: Vec::new(),
        organization_member_permissions: permissions(&role.member_permissions),
    }
}

/// The names that people read of the roles that an organization made for itself.
#[derive(Debug, Default)]
pub(crate) struct OwnRoles(BTreeMap<String, String>);

impl OwnRoles {
    /// Reads them, if a role of these members is one of them. Who may not see which roles there are sees the names as they are stored.
    pub(crate) async fn of<U>(
        mut roles: Roles<'_, U>,
        organization: OrganizationId,
        members: &[OrganizationMember],
    ) -> StoreResult<Self>
    where
        U: store::ReadUnit + ?Sized,
    {
        let built_in = |name: &String| builtin::org_role(name).is_some();
        if members.iter().all(|held| held.roles.iter().all(built_in)) {
            return Ok(Self::default());
        }
        let own = match roles.custom_role_list(organization).await {
            Err(error) if error.hidden() => Vec::new(),
            outcome => outcome?,
        };
        let named = own
            .into_iter()
            .filter(|role| !role.display_name.is_empty())
            .map(|role| (role.name.into(), role.display_name));
        Ok(Self(named.collect()))
    }

    /// Roles with the names that people read.
    pub(crate) fn slim(&self, names: Vec<String>) -> Vec<sdk::SlimRole> {
        let mut roles = slim_roles(names, builtin::org_role);
        for role in &mut roles {
            if let Some(display_name) = self.0.get(&role.name) {
                role.display_name.clone_from(display_name);
            }
        }
        roles
    }
}
