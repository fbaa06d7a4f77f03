//! The one place where a check is made: decided, explained in the log and counted when refused.

use std::{fmt, sync::Arc};

use model::UserId;
use rbac::{
    Action, GrantDenied, Object, OrgPermissions, PreparedSubject, ResourceType, Role, Visibility,
};
use store::{StoreError, StoreResult, WriteContext};
use uuid::Uuid;

use crate::{Actor, ChatSharing, SystemActor, WorkspaceSharing, authorized::Sharing};

/// What the gate asks. Implemented by the engine's subject, and by the tests' recorder.
pub(crate) trait Authorizer: Send + Sync + fmt::Debug {
    /// Whether the action on the object is allowed.
    fn permits(&self, action: Action, object: &Object) -> bool;
    /// Why a decision falls as it does, for the log.
    fn explanation(&self, action: Action, object: &Object) -> String;
    /// Which rows may be seen.
    fn rows(&self, action: Action, resource: ResourceType) -> Visibility;
    /// Whether the role may be given in this organization, or site-wide; else why not.
    fn may_give(&self, role: &Role, org: Option<Uuid>) -> Result<(), String>;
    /// Whether the role may be taken; else why not.
    fn may_take(&self, role: &Role, org: Option<Uuid>) -> Result<(), String>;
    /// Whether the role could be taken in this organization, for what is written down and not refused.
    fn could_take(&self, role: &Role, org: Uuid) -> bool {
        self.may_take(role, Some(org)).is_ok()
    }
    /// Whether a custom role of the organization may hold these permissions; else what stands against it.
    fn may_grant(&self, org: Uuid, permissions: &OrgPermissions) -> Result<(), GrantDenied>;
}

impl Authorizer for PreparedSubject {
    fn permits(&self, action: Action, object: &Object) -> bool {
        self.allows(action, object)
    }

    fn explanation(&self, action: Action, object: &Object) -> String {
        self.explain(action, object).to_string()
    }

    fn rows(&self, action: Action, resource: ResourceType) -> Visibility {
        self.visibility(action, resource)
    }

    fn may_give(&self, role: &Role, org: Option<Uuid>) -> Result<(), String> {
        self.may_assign(role, org)
            .map_err(|denied| denied.to_string())
    }

    fn may_take(&self, role: &Role, org: Option<Uuid>) -> Result<(), String> {
        self.may_unassign(role, org)
            .map_err(|denied| denied.to_string())
    }

    fn may_grant(&self, org: Uuid, permissions: &OrgPermissions) -> Result<(), GrantDenied> {
        Self::may_grant(self, org, permissions)
    }
}

/// Who acts, and what decides for them.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    authorizer: Arc<dyn Authorizer>,
    /// The person; `None` for a system actor.
    actor: Option<Actor>,
    context: WriteContext,
    sharing: Sharing,
}

impl Gate {
    /// The gate of a person.
    pub(crate) fn person(actor: Actor, sharing: Sharing) -> Self {
        let context = WriteContext {
            user_id: Some(actor.user_id),
            actor_name: actor.username.to_string(),
            request_id: actor.request_id,
        };
        let authorizer: Arc<dyn Authorizer> = actor.subject.clone();
        Self {
            authorizer,
            actor: Some(actor),
            context,
            sharing,
        }
    }

    /// The gate of a system actor.
    pub(crate) fn system(actor: SystemActor, sharing: Sharing) -> Self {
        let context = WriteContext {
            user_id: None,
            actor_name: actor.name().to_owned(),
            request_id: None,
        };
        Self {
            authorizer: actor.subject(),
            actor: None,
            context,
            sharing,
        }
    }

    /// The same gate with another authorizer, so that a test can watch it.
    #[cfg(test)]
    pub(crate) fn watched(mut self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.authorizer = authorizer;
        self
    }

    /// What the audit triggers record.
    pub(crate) const fn context(&self) -> &WriteContext {
        &self.context
    }

    /// Changes what the audit triggers record.
    pub(crate) const fn context_mut(&mut self) -> &mut WriteContext {
        &mut self.context
    }

    /// The person who acts; `None` for a system actor.
    pub(crate) const fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// The deployment's switch over the sharing of workspaces.
    pub(crate) const fn workspace_sharing(&self) -> WorkspaceSharing {
        self.sharing.workspaces
    }

    /// The deployment's switch over the sharing of chats.
    pub(crate) const fn chat_sharing(&self) -> ChatSharing {
        self.sharing.chats
    }

    /// Whether this is the person who acts.
    pub(crate) fn acts_as(&self, user: UserId) -> bool {
        self.actor().is_some_and(|actor| actor.user_id == user)
    }

    /// Refuses unless the action on the object is allowed.
    pub(crate) fn check(&self, action: Action, object: &Object) -> StoreResult<()> {
        if self.authorizer.permits(action, object) {
            return Ok(());
        }
        Err(self.refused(action, object))
    }

    /// The same, and refuses too unless whoever acts is in admin mode, as the system's actors always are.
    pub(crate) fn check_in_admin_mode(&self, action: Action, object: &Object) -> StoreResult<()> {
        self.check(action, object)?;
        if self.actor().is_none_or(|actor| actor.key.admin_mode) {
            return Ok(());
        }
        Err(self.refused(action, object))
    }

    /// Whether the action on the object is allowed, for what is left out of an answer instead of refused.
    pub(crate) fn allows(&self, action: Action, object: &Object) -> bool {
        self.authorizer.permits(action, object)
    }

    /// Refuses unless one of these ways is open, all of whose actions are allowed; which is the first that is.
    /// The refusal names what the first way lacks.
    pub(crate) fn check_any(&self, ways: &[&[(Action, &Object)]]) -> StoreResult<usize> {
        let mut lacking = None;
        let mut open = None;
        for (number, way) in ways.iter().enumerate() {
            // Each check is made, so that what is asked does not depend on the answers.
            let mut allowed = true;
            for (action, object) in *way {
                if !self.authorizer.permits(*action, object) {
                    allowed = false;
                    lacking.get_or_insert((*action, *object));
                }
            }
            if allowed {
                open.get_or_insert(number);
            }
        }
        match (open, lacking) {
            (Some(way), _) => Ok(way),
            (None, Some((action, object))) => Err(self.refused(action, object)),
            (None, None) => Err(StoreError::NotFound), // No way at all.
        }
    }

    fn refused(&self, action: Action, object: &Object) -> StoreError {
        let resource = object.resource();
        if tracing::enabled!(tracing::Level::DEBUG) {
            let explanation = self.authorizer.explanation(action, object);
            tracing::debug!(
                actor = %self.context.actor_name, request_id = ?self.context.request_id,
                %action, %resource, explanation, "authorization refused"
            );
        }
        self.count(action, resource);
        StoreError::Denied { action, resource }
    }

    /// The rows of a type that may be read.
    pub(crate) fn readable(&self, resource: ResourceType) -> Visibility {
        self.authorizer.rows(Action::Read, resource)
    }

    /// Refuses unless the role may be given.
    pub(crate) fn may_give(&self, role: &Role, org: Option<Uuid>) -> StoreResult<()> {
        let outcome = self.authorizer.may_give(role, org);
        outcome.map_err(|reason| self.role_refused(Action::Assign, org, reason))
    }

    /// Refuses unless the role may be taken.
    pub(crate) fn may_take(&self, role: &Role, org: Option<Uuid>) -> StoreResult<()> {
        let outcome = self.authorizer.may_take(role, org);
        outcome.map_err(|reason| self.role_refused(Action::Unassign, org, reason))
    }

    /// Whether the role could be taken in this organization. It refuses nothing and counts no refusal.
    pub(crate) fn could_take(&self, role: &Role, org: Uuid) -> bool {
        self.authorizer.could_take(role, org)
    }

    /// Refuses unless a custom role of the organization may hold these permissions.
    pub(crate) fn may_grant(&self, org: Uuid, permissions: &OrgPermissions) -> StoreResult<()> {
        self.authorizer
            .may_grant(org, permissions)
            .map_err(|denied| {
                let (actor, reason) = (&self.context.actor_name, denied.to_string());
                tracing::debug!(%actor, reason, "a custom role was refused");
                self.count(Action::Update, ResourceType::AssignOrgRole);
                StoreError::NotGrantable { reason }
            })
    }

    fn role_refused(&self, action: Action, org: Option<Uuid>, reason: String) -> StoreError {
        let resource = assignment(org);
        let actor = &self.context.actor_name;
        tracing::debug!(%actor, %action, %resource, reason, "authorization refused");
        self.count(action, resource);
        StoreError::RoleNotAssignable { resource, reason }
    }

    fn count(&self, action: Action, resource: ResourceType) {
        metrics::counter!(
            "bursar_authz_denied_total",
            "action" => action.as_str(), "resource" => resource.as_str()
        )
        .increment(1);
    }
}

/// The type of the right to give and take roles of the site, or of an organization.
pub(crate) const fn assignment(org: Option<Uuid>) -> ResourceType {
    if org.is_some() {
        ResourceType::AssignOrgRole
    } else {
        ResourceType::AssignRole
    }
}
