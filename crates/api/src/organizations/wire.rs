//! Organizations and memberships as the wire shows them.

use bursar_sdk as sdk;
use model::organizations::{Organization, OrganizationMember};
use rbac::{ShareableOwners, builtin};

use crate::{roles::OwnRoles, users::slim_roles};

pub(crate) fn organization(organization: Organization) -> sdk::Organization {
    sdk::Organization {
        id: organization.id.0,
        name: organization.name.into(),
        display_name: organization.display_name,
        description: organization.description,
        icon: organization.icon,
        is_default: organization.default,
        default_org_member_roles: organization.default_org_member_roles,
        shareable_workspace_owners: shareable(organization.shareable_workspace_owners),
        workspace_sharing_disabled: organization.shareable_workspace_owners
            == ShareableOwners::None,
        created_at: organization.created_at,
        updated_at: organization.updated_at,
    }
}

/// Whose workspaces may be shared.
pub(crate) const fn shareable(owners: ShareableOwners) -> sdk::ShareableWorkspaceOwners {
    match owners {
        ShareableOwners::Everyone => sdk::ShareableWorkspaceOwners::Everyone,
        ShareableOwners::ServiceAccounts => sdk::ShareableWorkspaceOwners::ServiceAccounts,
        ShareableOwners::None => sdk::ShareableWorkspaceOwners::None,
    }
}

pub(crate) fn member(member: OrganizationMember, own: &OwnRoles) -> sdk::OrganizationMember {
    sdk::OrganizationMember {
        user_id: member.user_id.0,
        organization_id: member.organization_id.0,
        created_at: member.created_at,
        updated_at: member.updated_at,
        roles: own.slim(member.roles),
    }
}

pub(crate) fn member_with_user_data(
    member: OrganizationMember,
    own: &OwnRoles,
) -> sdk::OrganizationMemberWithUserData {
    sdk::OrganizationMemberWithUserData {
        user_id: member.user_id.0,
        organization_id: member.organization_id.0,
        created_at: member.created_at,
        updated_at: member.updated_at,
        roles: own.slim(member.roles),
        username: member.username.into(),
        name: member.name,
        avatar_url: String::new(),
        email: member.email,
        global_roles: slim_roles(member.global_roles, builtin::site_role),
    }
}
