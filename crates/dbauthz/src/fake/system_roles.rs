//! The fake's system roles.

use async_trait::async_trait;
use model::{
    OrganizationId,
    system_roles::{OrganizationSystemRoles, StoredSystemRole},
};
use store::{
    StoreResult,
    system_roles::{SystemRoleRead, SystemRoleWrite},
};

use super::FakeUnit;

#[async_trait]
impl SystemRoleRead for FakeUnit {
    async fn system_role_list(
        &mut self,
        organization: Option<OrganizationId>,
    ) -> StoreResult<Vec<OrganizationSystemRoles>> {
        let state = self.call("system_role_list");
        let wanted = |id: OrganizationId| organization.is_none_or(|wanted| wanted == id);
        let organizations = state.organizations.iter().filter(|known| wanted(known.id));
        let of = |id: OrganizationId| {
            let kept = state.system_roles.iter();
            let kept = kept.filter(move |((organization, _), _)| *organization == id);
            kept.map(|(_, role)| role.clone()).collect()
        };
        Ok(organizations
            .map(|known| OrganizationSystemRoles {
                organization_id: known.id,
                organization_name: known.name.clone(),
                settings: known.shareable_workspace_owners,
                roles: of(known.id),
                unreadable: Vec::new(),
            })
            .collect())
    }
}

#[async_trait]
impl SystemRoleWrite for FakeUnit {
    async fn system_role_lock(&mut self) -> StoreResult<()> {
        self.call("system_role_lock");
        Ok(())
    }

    async fn system_role_upsert(
        &mut self,
        roles: &[(OrganizationId, StoredSystemRole)],
    ) -> StoreResult<()> {
        let kept = &mut self.call("system_role_upsert").system_roles;
        for (organization, role) in roles {
            kept.insert((*organization, role.role), role.clone());
        }
        Ok(())
    }
}
