//! Workspaces: the shared folders of a team's AI work.

use model::{
    OrganizationId, Page, PageRequest, UserId, WorkspaceId,
    acl::{Acl, AclChange, AclDiff, AclListing, SharingOff},
    workspaces::{
        NewWorkspace, Workspace, WorkspaceAccess, WorkspaceFilter, WorkspaceRole, WorkspaceUpdate,
    },
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult};

use crate::{
    WorkspaceSharing,
    acl::{self, AclResult, Shared},
    gate::Gate,
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "workspace_get",
        Shape::Fetch,
        &["workspace:read"],
        "by its ACL too, unless it sleeps or sharing is off",
    ),
    rule("workspace_list", Shape::Visibility, &["workspace:read"], ""),
    rule(
        "workspace_share_check",
        Shape::Fetch,
        &["workspace:read", "workspace:share"],
        "before a request's body is read",
    ),
    rule(
        "workspace_acl_get",
        Shape::Fetch,
        &["workspace:read", "workspace:share"],
        "names only, whatever else the caller may see of these people and groups",
    ),
    rule(
        "workspace_create",
        Shape::Check,
        &["workspace:create"],
        "the owner is an active member of the organization",
    ),
    rule("workspace_lock", Shape::Inside, &[], ""),
    rule(
        "workspace_update",
        Shape::Lock,
        &["workspace:read", "workspace:update"],
        "name and description",
    ),
    rule(
        "workspace_dormant_update",
        Shape::Lock,
        &["workspace:read", "workspace:update"],
        "wakes only what a member of the organization owns",
    ),
    rule("workspace_delete", Shape::Lock, &["workspace:delete"], ""),
    rule(
        "workspace_acl_update",
        Shape::Lock,
        &["workspace:read", "workspace:share"],
        "nobody changes their own entry; who gets a role is of the organization",
    ),
    rule(
        "workspace_acl_delete",
        Shape::Lock,
        &["workspace:read", "workspace:share"],
        "nobody ends their own entry",
    ),
    rule(
        "workspace_acl_trim",
        Shape::Inside,
        &[],
        "when an organization's rule about sharing changes",
    ),
];

impl Shared for WorkspaceAccess {
    type Role = WorkspaceRole;

    fn object(&self, gate: &Gate) -> Object {
        object(self, gate.workspace_sharing())
    }

    fn acl(&self) -> &Acl<WorkspaceRole> {
        &self.acl
    }

    fn organization(&self) -> OrganizationId {
        self.workspace.organization_id
    }

    fn owner(&self) -> UserId {
        self.workspace.owner_id
    }

    fn sharing_off(&self, gate: &Gate) -> Option<SharingOff> {
        match gate.workspace_sharing() {
            WorkspaceSharing::Disabled => Some(SharingOff::Deployment),
            WorkspaceSharing::ByOrganization => Self::sharing_off(self),
        }
    }
}

/// What a decision about a workspace is about. Whom it is shared with does not count while it sleeps.
pub(crate) fn object(found: &WorkspaceAccess, sharing: WorkspaceSharing) -> Object {
    let workspace = &found.workspace;
    let (organization, owner) = (workspace.organization_id.0, workspace.owner_id.0);
    let object = Object::workspace(Some(workspace.id.0), organization, owner);
    let asleep = workspace.dormant_at.is_some();
    if asleep || sharing == WorkspaceSharing::Disabled {
        object
    } else {
        found.acl.onto(object)
    }
}

wrapper! {
    /// Workspaces: the shared folders of a team's AI work, each call authorized.
    Workspaces
}

impl<U: store::ReadUnit + ?Sized> Workspaces<'_, U> {
    /// One workspace.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn workspace_get(&mut self, id: WorkspaceId) -> StoreResult<Workspace> {
        let found = self.found(id).await?;
        self.gate.check(Action::Read, &found.object(self.gate))?;
        Ok(self.shown(found.workspace))
    }

    /// A page of the workspaces that the caller may read, by name. While sharing is switched off nothing is shared
    /// with anybody.
    ///
    /// # Errors
    /// None of its own.
    pub async fn workspace_list(
        &mut self,
        filter: &WorkspaceFilter,
        page: PageRequest,
    ) -> StoreResult<Page<Workspace>> {
        let mut visibility = self.gate.readable(ResourceType::Workspace);
        if self.gate.workspace_sharing() == WorkspaceSharing::Disabled {
            if filter.shared_with.is_some() {
                return Ok(Page {
                    items: Vec::new(),
                    count: 0,
                });
            }
            visibility = visibility.without_acl();
        }
        let found = self.unit.workspace_list(filter, page, &visibility).await?;
        Ok(Page {
            items: found.items.into_iter().map(|one| self.shown(one)).collect(),
            count: found.count,
        })
    }

    /// Refuses who may not see or change a workspace's ACL, and anybody while sharing is off. For before the body of a
    /// request is read; whoever changes something is checked again.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `Off`, `NotShareable`.
    pub async fn workspace_share_check(&mut self, id: WorkspaceId) -> AclResult<()> {
        let found = self.found(id).await?;
        acl::shareable(self.gate, &found)
    }

    /// With whom a workspace is shared.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `Off`, `NotShareable`.
    pub async fn workspace_acl_get(
        &mut self,
        id: WorkspaceId,
    ) -> AclResult<AclListing<WorkspaceRole>> {
        let found = self.found(id).await?;
        acl::shareable(self.gate, &found)?;
        Ok(acl::listing(self.unit, &found).await?)
    }

    async fn found(&mut self, id: WorkspaceId) -> StoreResult<WorkspaceAccess> {
        let found = self.unit.workspace_get(id).await?;
        found.ok_or(StoreError::NotFound)
    }

    /// A workspace as it is while the deployment's switch stands as it does.
    fn shown(&self, mut workspace: Workspace) -> Workspace {
        if self.gate.workspace_sharing() == WorkspaceSharing::Disabled {
            workspace.shared = false;
        }
        workspace
    }
}

impl<U: store::WriteUnit + ?Sized> Workspaces<'_, U> {
    /// Makes a workspace.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`; as [`store::workspaces::WorkspaceWrite::workspace_create`].
    pub async fn workspace_create(&mut self, new: &NewWorkspace) -> StoreResult<Workspace> {
        let organization = self.unit.organization_get(new.organization_id).await?;
        let organization = organization.ok_or(StoreError::NotFound)?;
        let object = Object::workspace(None, organization.id.0, new.owner_id.0);
        self.gate.check(Action::Create, &object)?;
        self.unit.workspace_create(new).await
    }

    /// Changes a workspace's name and description.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; as [`store::workspaces::WorkspaceWrite::workspace_update`].
    pub async fn workspace_update(
        &mut self,
        id: WorkspaceId,
        update: &WorkspaceUpdate,
    ) -> StoreResult<Workspace> {
        self.updatable(id).await?;
        let updated = self.unit.workspace_update(id, update).await?;
        Ok(self.shown(updated))
    }

    /// Puts a workspace to sleep, or wakes it.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `Refused` to wake the workspace of somebody who left the organization: nobody there owns
    /// what it shares.
    pub async fn workspace_dormant_update(
        &mut self,
        id: WorkspaceId,
        dormant: bool,
    ) -> StoreResult<Workspace> {
        let found = self.updatable(id).await?;
        let (organization, owner) = (found.workspace.organization_id, found.workspace.owner_id);
        if !dormant
            && self
                .unit
                .organization_member_get(organization, owner)
                .await?
                .is_none()
        {
            let text = "the owner of the workspace is no member of the organization any more";
            return Err(StoreError::Refused(text.to_owned()));
        }
        let updated = self.unit.workspace_dormant_update(id, dormant).await?;
        Ok(self.shown(updated))
    }

    /// Marks a workspace deleted and ends its ACL.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn workspace_delete(&mut self, id: WorkspaceId) -> StoreResult<()> {
        let found = self.locked(id).await?;
        self.gate.check(Action::Delete, &found.object(self.gate))?;
        self.unit.workspace_delete(id).await
    }

    /// Changes with whom a workspace is shared, and tells what was written.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `Off`, `NotShareable`, `Own`, `Invalid`.
    pub async fn workspace_acl_update(
        &mut self,
        id: WorkspaceId,
        change: &AclChange<WorkspaceRole>,
    ) -> AclResult<AclDiff> {
        let found = self.locked(id).await?;
        acl::shareable(self.gate, &found)?;
        let diff = acl::change(self.gate, self.unit, &found, change).await?;
        if !diff.is_empty() {
            self.unit.workspace_acl_update(id, &diff).await?;
        }
        Ok(diff)
    }

    /// Ends all entries of a workspace's ACL.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `Off`, `NotShareable`, `Own`.
    pub async fn workspace_acl_delete(&mut self, id: WorkspaceId) -> AclResult<()> {
        let found = self.locked(id).await?;
        acl::shareable(self.gate, &found)?;
        acl::not_own::<WorkspaceRole>(self.gate, |user| found.acl.users().contains_key(&user))?;
        Ok(self.unit.workspace_acl_delete(id).await?)
    }

    /// A workspace that the caller may see and change.
    async fn updatable(&mut self, id: WorkspaceId) -> StoreResult<WorkspaceAccess> {
        let found = self.locked(id).await?;
        let object = found.object(self.gate);
        self.gate.check(Action::Read, &object)?;
        self.gate.check(Action::Update, &object)?;
        Ok(found)
    }

    async fn locked(&mut self, id: WorkspaceId) -> StoreResult<WorkspaceAccess> {
        let found = self.unit.workspace_lock(id).await?;
        found.ok_or(StoreError::NotFound)
    }
}
