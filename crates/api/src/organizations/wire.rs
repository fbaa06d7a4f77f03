//! Organizations and memberships as the wire shows them.

use bursar_sdk as sdk;
use model::organizations::{Organization, OrganizationMember};
use rbac::builtin;

use crate::users::slim_roles;

pub(crate) fn organization(organization: Organization) -> sdk::Organization {
    sdk::Organization {
        id: organization.id.0,
        name: organization.name.into(),
        display_name: organization.display_name,
        description: organization.description,
        icon: organization.icon,
        is_default: organization.default,
        created_at: organization.created_at,
        updated_at: organization.updated_at,
    }
}

pub(crate) fn member(member: OrganizationMember) -> sdk::OrganizationMember {
    sdk::OrganizationMember {
        user_id: member.user_id.0,
        organization_id: member.organization_id.0,
        created_at: member.created_at,
        updated_at: member.updated_at,
        roles: slim_roles(member.roles, builtin::org_role),
    }
}

pub(crate) fn member_with_user_data(
    member: OrganizationMember,
) -> sdk::OrganizationMemberWithUserData {
    sdk::OrganizationMemberWithUserData {
        user_id: member.user_id.0,
        organization_id: member.organization_id.0,
        created_at: member.created_at,
        updated_at: member.updated_at,
        roles: slim_roles(member.roles, builtin::org_role),
        username: member.username.into(),
        name: member.name,
        avatar_url: String::new(),
        email: member.email,
        global_roles: slim_roles(member.global_roles, builtin::site_role),
    }
}
