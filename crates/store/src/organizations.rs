//! Organizations and who belongs to them.

use async_trait::async_trait;
use model::{
    Name, OrganizationId, UserId,
    organizations::{NewOrganization, Organization, OrganizationMember, OrganizationUpdate},
};
use rbac::Visibility;

use crate::StoreResult;

/// Reads organizations and memberships. Deleted organizations are never seen.
#[async_trait]
pub trait OrganizationRead: Send {
    /// One organization.
    async fn organization_get(&mut self, id: OrganizationId) -> StoreResult<Option<Organization>>;
    /// One organization by its unique name, without regard to case; `default` finds the default one.
    async fn organization_get_by_name(&mut self, name: &Name) -> StoreResult<Option<Organization>>;
    /// The organizations that the visibility admits, by name.
    async fn organization_list(
        &mut self,
        visibility: &Visibility,
    ) -> StoreResult<Vec<Organization>>;
    /// One membership.
    async fn organization_member_get(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> StoreResult<Option<OrganizationMember>>;
    /// The memberships of an organization that the visibility admits, by username.
    async fn organization_member_list(
        &mut self,
        organization: OrganizationId,
        visibility: &Visibility,
    ) -> StoreResult<Vec<OrganizationMember>>;
}

/// Changes organizations and memberships.
#[async_trait]
pub trait OrganizationWrite: OrganizationRead {
    /// Makes an organization with its Everyone group. The first one becomes the default.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `organizations_name_key`.
    async fn organization_create(&mut self, new: &NewOrganization) -> StoreResult<Organization>;
    /// One organization, its row locked until the unit ends.
    async fn organization_lock(&mut self, id: OrganizationId) -> StoreResult<Option<Organization>>;
    /// Changes an organization.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `organizations_name_key`.
    async fn organization_update(
        &mut self,
        id: OrganizationId,
        update: &OrganizationUpdate,
    ) -> StoreResult<Organization>;
    /// Marks an organization deleted; removes its groups and memberships. Its name becomes free.
    ///
    /// # Errors
    /// [`crate::StoreError::Refused`] for the default organization.
    async fn organization_delete(&mut self, id: OrganizationId) -> StoreResult<()>;
    /// Adds a person to an organization with these roles beside the implied one.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `organization_members_pkey`; `NotFound` for an unknown person.
    async fn organization_member_create(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        roles: &[String],
    ) -> StoreResult<OrganizationMember>;
    /// Removes a person's group memberships of the organization, then the membership itself.
    async fn organization_member_delete(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> StoreResult<()>;
    /// Replaces the roles that a member was given.
    async fn organization_member_roles_update(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        roles: &[String],
    ) -> StoreResult<OrganizationMember>;
}
