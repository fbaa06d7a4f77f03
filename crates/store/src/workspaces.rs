//! Workspaces: the shared folders of a team's AI work.

use async_trait::async_trait;
use model::{
    OrganizationId, Page, PageRequest, WorkspaceId,
    acl::AclDiff,
    workspaces::{NewWorkspace, Workspace, WorkspaceAccess, WorkspaceFilter, WorkspaceUpdate},
};
use rbac::{ShareableOwners, Visibility};

use crate::StoreResult;

/// Reads workspaces. Deleted ones, and those of deleted organizations, are never seen.
#[async_trait]
pub trait WorkspaceRead: Send {
    /// One workspace with its ACL, as of one moment.
    async fn workspace_get(&mut self, id: WorkspaceId) -> StoreResult<Option<WorkspaceAccess>>;
    /// A page of the workspaces that the visibility admits, by name.
    async fn workspace_list(
        &mut self,
        filter: &WorkspaceFilter,
        page: PageRequest,
        visibility: &Visibility,
    ) -> StoreResult<Page<Workspace>>;
}

/// Changes workspaces.
#[async_trait]
pub trait WorkspaceWrite: WorkspaceRead {
    /// Makes a workspace.
    ///
    /// # Errors
    /// [`crate::StoreError::Refused`] when the owner is no active member of the organization;
    /// [`crate::StoreError::Taken`] with `workspaces_owner_id_name_key`.
    async fn workspace_create(&mut self, new: &NewWorkspace) -> StoreResult<Workspace>;
    /// One workspace with its ACL, its row locked until the unit ends, and its organization kept from changing its
    /// settings and losing people.
    async fn workspace_lock(&mut self, id: WorkspaceId) -> StoreResult<Option<WorkspaceAccess>>;
    /// Changes a workspace's name and description.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `workspaces_owner_id_name_key`.
    async fn workspace_update(
        &mut self,
        id: WorkspaceId,
        update: &WorkspaceUpdate,
    ) -> StoreResult<Workspace>;
    /// Puts a workspace to sleep, or wakes it. One that sleeps already has slept since then.
    async fn workspace_dormant_update(
        &mut self,
        id: WorkspaceId,
        dormant: bool,
    ) -> StoreResult<Workspace>;
    /// Marks a workspace deleted and ends its ACL. Its name becomes free.
    async fn workspace_delete(&mut self, id: WorkspaceId) -> StoreResult<()>;
    /// Writes entries of a workspace's ACL.
    ///
    /// # Errors
    /// [`crate::StoreError::Violated`] with `workspace_acl_organization_member_fkey` or `workspace_acl_group_fkey` for
    /// somebody who is not in its organization.
    async fn workspace_acl_update(&mut self, id: WorkspaceId, diff: &AclDiff) -> StoreResult<()>;
    /// Ends all entries of a workspace's ACL.
    async fn workspace_acl_delete(&mut self, id: WorkspaceId) -> StoreResult<()>;
    /// Ends all entries of an organization's workspaces whose owners may not share by these settings, and says how many
    /// entries they were. The organization must be locked.
    async fn workspace_acl_trim(
        &mut self,
        organization: OrganizationId,
        settings: ShareableOwners,
    ) -> StoreResult<u64>;
}
