//! The roles that come with being a member, as every organization keeps them.

use async_trait::async_trait;
use model::{
    OrganizationId,
    system_roles::{OrganizationSystemRoles, StoredSystemRole},
};

use crate::StoreResult;

/// Reads the system roles of organizations.
#[async_trait]
pub trait SystemRoleRead: Send {
    /// The system roles of every live organization, or of one, by id of the organization.
    async fn system_role_list(
        &mut self,
        organization: Option<OrganizationId>,
    ) -> StoreResult<Vec<OrganizationSystemRoles>>;
}

/// Changes the system roles of organizations.
#[async_trait]
pub trait SystemRoleWrite: SystemRoleRead {
    /// Takes the lock under which system roles and what decides them change, until the unit ends.
    async fn system_role_lock(&mut self) -> StoreResult<()>;
    /// Writes system roles, missing ones included, in one statement.
    ///
    /// # Errors
    /// [`crate::StoreError::Violated`] with `custom_roles_newer_definition` when one of them is kept by a newer
    /// definition.
    async fn system_role_upsert(
        &mut self,
        roles: &[(OrganizationId, StoredSystemRole)],
    ) -> StoreResult<()>;
}
