//! The fake's roles.

use async_trait::async_trait;
use model::{
    Name, OrganizationId, RoleId,
    roles::{CustomRole, CustomRoleDefinition, NewCustomRole},
};
use store::{
    StoreError, StoreResult,
    roles::{RoleRead, RoleWrite},
};

use super::FakeUnit;

#[async_trait]
impl RoleRead for FakeUnit {
    async fn custom_role_list(
        &mut self,
        organization: OrganizationId,
    ) -> StoreResult<Vec<CustomRole>> {
        let mut roles = self.call("custom_role_list").custom_roles.clone();
        roles.retain(|role| role.organization_id == organization);
        Ok(roles)
    }
}

#[async_trait]
impl RoleWrite for FakeUnit {
    async fn custom_role_create(&mut self, new: &NewCustomRole) -> StoreResult<CustomRole> {
        let state = self.call("custom_role_create");
        let role = CustomRole {
            id: new.id,
            organization_id: new.organization_id,
            name: new.name.clone(),
            display_name: new.definition.display_name.clone(),
            org_permissions: new.definition.org_permissions.clone(),
            member_permissions: new.definition.member_permissions.clone(),
            created_at: state.now,
            updated_at: state.now,
        };
        state.custom_roles.push(role.clone());
        Ok(role)
    }

    async fn custom_role_lock(
        &mut self,
        organization: OrganizationId,
        name: &Name,
    ) -> StoreResult<Option<CustomRole>> {
        let roles = &self.call("custom_role_lock").custom_roles;
        let found = roles.iter().find(|role| {
            role.organization_id == organization
                && role.name.as_str().eq_ignore_ascii_case(name.as_str())
        });
        Ok(found.cloned())
    }

    async fn custom_role_update(
        &mut self,
        id: RoleId,
        definition: &CustomRoleDefinition,
    ) -> StoreResult<CustomRole> {
        let roles = &mut self.call("custom_role_update").custom_roles;
        let found = roles.iter_mut().find(|role| role.id == id);
        let role = found.ok_or(StoreError::NotFound)?;
        role.display_name.clone_from(&definition.display_name);
        role.org_permissions.clone_from(&definition.org_permissions);
        role.member_permissions
            .clone_from(&definition.member_permissions);
        Ok(role.clone())
    }

    async fn custom_role_delete(&mut self, id: RoleId) -> StoreResult<()> {
        let state = self.call("custom_role_delete");
        let found = state.custom_roles.iter().position(|role| role.id == id);
        let role = state
            .custom_roles
            .remove(found.ok_or(StoreError::NotFound)?);
        let other = |name: &String| name != role.name.as_str();
        for member in &mut state.members {
            if member.organization_id == role.organization_id {
                member.roles.retain(other);
            }
        }
        for organization in &mut state.organizations {
            if organization.id == role.organization_id {
                organization.default_org_member_roles.retain(other);
            }
        }
        Ok(())
    }
}
