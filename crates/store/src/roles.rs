//! Custom roles of an organization.

use async_trait::async_trait;
use model::{
    Name, OrganizationId, RoleId,
    roles::{CustomRole, CustomRoleDefinition, NewCustomRole},
};

use crate::StoreResult;

/// Reads custom roles. System roles are never seen here.
#[async_trait]
pub trait RoleRead: Send {
    /// The custom roles of an organization, by name.
    async fn custom_role_list(
        &mut self,
        organization: OrganizationId,
    ) -> StoreResult<Vec<CustomRole>>;
}

/// Changes custom roles. System roles are never changed here.
#[async_trait]
pub trait RoleWrite: RoleRead {
    /// Makes a custom role.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `custom_roles_organization_id_name_key`.
    async fn custom_role_create(&mut self, new: &NewCustomRole) -> StoreResult<CustomRole>;
    /// One custom role by its name without regard to case, its row locked until the unit ends.
    async fn custom_role_lock(
        &mut self,
        organization: OrganizationId,
        name: &Name,
    ) -> StoreResult<Option<CustomRole>>;
    /// Replaces what a custom role is and holds.
    async fn custom_role_update(
        &mut self,
        id: RoleId,
        definition: &CustomRoleDefinition,
    ) -> StoreResult<CustomRole>;
    /// Removes a custom role, and takes it from everybody who holds it.
    async fn custom_role_delete(&mut self, id: RoleId) -> StoreResult<()>;
}
