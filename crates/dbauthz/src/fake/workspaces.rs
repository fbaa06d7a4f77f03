//! The fake's workspaces and their ACLs.

use async_trait::async_trait;
use model::{
    OrganizationId, Page, PageRequest, WorkspaceId,
    acl::{Acl, AclDiff, AclPrincipals, AclRole, Principal},
    users::UserStatus,
    workspaces::{
        NewWorkspace, Workspace, WorkspaceAccess, WorkspaceFilter, WorkspaceRole, WorkspaceUpdate,
    },
};
use rbac::{ShareableOwners, Visibility};
use store::{
    StoreError, StoreResult,
    acl::AclWrite,
    workspaces::{WorkspaceRead, WorkspaceWrite},
};

use super::{FakeUnit, State};
use crate::{WorkspaceSharing, workspaces::object};

impl State {
    fn workspace(&mut self, id: WorkspaceId) -> StoreResult<&mut WorkspaceAccess> {
        let mut workspaces = self.workspaces.iter_mut();
        let found = workspaces.find(|one| one.workspace.id == id);
        found.ok_or(StoreError::NotFound)
    }
}

#[async_trait]
impl WorkspaceRead for FakeUnit {
    async fn workspace_get(&mut self, id: WorkspaceId) -> StoreResult<Option<WorkspaceAccess>> {
        Ok(self.call("workspace_get").workspace(id).ok().cloned())
    }

    async fn workspace_list(
        &mut self,
        _filter: &WorkspaceFilter,
        _page: PageRequest,
        visibility: &Visibility,
    ) -> StoreResult<Page<Workspace>> {
        let mut found = self.call("workspace_list").workspaces.clone();
        found.retain(|one| visibility.matches(&object(one, WorkspaceSharing::ByOrganization)));
        let items: Vec<_> = found.into_iter().map(|one| one.workspace).collect();
        let count = items.len().try_into().unwrap_or(u64::MAX);
        Ok(Page { items, count })
    }
}

#[async_trait]
impl WorkspaceWrite for FakeUnit {
    async fn workspace_create(&mut self, new: &NewWorkspace) -> StoreResult<Workspace> {
        let state = self.call("workspace_create");
        let mut organizations = state.organizations.iter();
        let organization = organizations.find(|one| one.id == new.organization_id);
        let organization = organization.ok_or(StoreError::NotFound)?;
        let mut members = state.members.iter();
        let owner = members.find(|member| {
            member.organization_id == new.organization_id && member.user_id == new.owner_id
        });
        let owner = owner.ok_or_else(|| {
            StoreError::Refused("the owner must be a member of the organization".to_owned())
        })?;
        let workspace = Workspace {
            id: new.id,
            organization_id: new.organization_id,
            organization_name: organization.name.clone(),
            owner_id: new.owner_id,
            owner_username: owner.username.clone(),
            owner_name: owner.name.clone(),
            name: new.name.clone(),
            description: new.description.clone(),
            dormant_at: None,
            shared: false,
            created_at: state.now,
            updated_at: state.now,
        };
        state.workspaces.push(WorkspaceAccess {
            workspace: workspace.clone(),
            acl: Acl::default(),
            owner_service_account: false,
            settings: organization.shareable_workspace_owners,
        });
        Ok(workspace)
    }

    async fn workspace_lock(&mut self, id: WorkspaceId) -> StoreResult<Option<WorkspaceAccess>> {
        Ok(self.call("workspace_lock").workspace(id).ok().cloned())
    }

    async fn workspace_update(
        &mut self,
        id: WorkspaceId,
        update: &WorkspaceUpdate,
    ) -> StoreResult<Workspace> {
        let found = self.call("workspace_update").workspace(id)?;
        if let Some(name) = &update.name {
            found.workspace.name = name.clone();
        }
        if let Some(description) = &update.description {
            found.workspace.description.clone_from(description);
        }
        Ok(found.workspace.clone())
    }

    async fn workspace_dormant_update(
        &mut self,
        id: WorkspaceId,
        dormant: bool,
    ) -> StoreResult<Workspace> {
        let state = self.call("workspace_dormant_update");
        let now = state.now;
        let found = state.workspace(id)?;
        found.workspace.dormant_at = dormant.then_some(now);
        Ok(found.workspace.clone())
    }

    async fn workspace_delete(&mut self, id: WorkspaceId) -> StoreResult<()> {
        let workspaces = &mut self.call("workspace_delete").workspaces;
        workspaces.retain(|one| one.workspace.id != id);
        Ok(())
    }

    async fn workspace_acl_update(&mut self, id: WorkspaceId, diff: &AclDiff) -> StoreResult<()> {
        let found = self.call("workspace_acl_update").workspace(id)?;
        let users = found.acl.users().iter();
        let users = users.map(|(id, role)| (Principal::User(*id), *role));
        let groups = found.acl.groups().iter();
        let groups = groups.map(|(id, role)| (Principal::Group(*id), *role));
        let kept = users
            .chain(groups)
            .filter(|(principal, _)| !diff.removed.contains(principal));
        let set = diff.set.iter();
        let set =
            set.filter_map(|(principal, role)| Some((*principal, WorkspaceRole::parse(role)?)));
        found.acl = kept.chain(set).collect();
        Ok(())
    }

    async fn workspace_acl_delete(&mut self, id: WorkspaceId) -> StoreResult<()> {
        let found = self.call("workspace_acl_delete").workspace(id)?;
        found.acl = Acl::default();
        Ok(())
    }

    async fn workspace_acl_trim(
        &mut self,
        organization: OrganizationId,
        settings: ShareableOwners,
    ) -> StoreResult<u64> {
        let mut ended = 0_u64;
        for found in &mut self.call("workspace_acl_trim").workspaces {
            let there = found.workspace.organization_id == organization;
            let judged = WorkspaceAccess {
                settings,
                ..found.clone()
            };
            if there && judged.sharing_off().is_some() {
                ended = ended.saturating_add(found.acl.len().try_into().unwrap_or(u64::MAX));
                found.acl = Acl::default();
            }
        }
        Ok(ended)
    }
}

#[async_trait]
impl AclWrite for FakeUnit {
    async fn acl_principal_lock(
        &mut self,
        organization: OrganizationId,
        wanted: &AclPrincipals,
    ) -> StoreResult<AclPrincipals> {
        let state = self.call("acl_principal_lock");
        let active = |id| {
            let mut users = state.users.iter();
            users.any(|user| user.id == id && user.status == UserStatus::Active)
        };
        let members = state.members.iter().filter(|member| {
            member.organization_id == organization
                && wanted.users.contains(&member.user_id)
                && active(member.user_id)
        });
        let groups = state.groups.iter().filter(|group| {
            group.organization_id == organization && wanted.groups.contains(&group.id)
        });
        Ok(AclPrincipals {
            users: members.map(|member| member.user_id).collect(),
            groups: groups.map(|group| group.id).collect(),
        })
    }
}
