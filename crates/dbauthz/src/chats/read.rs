//! Seeing chats, and the checks before a request's body is read.

use model::{
    ChatId, OrganizationId, UserId, WorkspaceId,
    chats::{Chat, ChatAccess, ChatFilter, ChatPage, ChatSources, Conflict},
};
use rbac::{Action, ActionSet, ResourceType, Visibility};
use store::{StoreError, StoreResult};

use super::{
    ChatAclListing, ChatCallError, ChatResult, Chats, OwnerOnly, changeable, creatable, new_object,
    object, owned, shown_access, still_workable,
    view::{shown, unshared},
};
use crate::{
    ChatSharing,
    acl::{self, AclResult, Shared},
};

impl<U: store::ReadUnit + ?Sized> Chats<'_, U> {
    /// One chat.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_get(&mut self, id: ChatId) -> StoreResult<Chat> {
        let found = self.found(id).await?;
        self.gate.check(Action::Read, &found.object(self.gate))?;
        Ok(shown_access(self.gate, found))
    }

    /// A page of the roots that the caller may read, with their families. While sharing is switched off nothing is
    /// shared with anybody. System actors see none: they are nobody whose list it could be.
    ///
    /// # Errors
    /// None of its own.
    pub async fn chat_list(&mut self, filter: &ChatFilter) -> StoreResult<ChatPage> {
        let visibility = self.readable();
        let Some(viewer) = self.viewer() else {
            return Ok(ChatPage::default());
        };
        let mut filter = filter.clone();
        if self.gate.chat_sharing() == ChatSharing::Disabled {
            match filter.sources {
                ChatSources::Shared => return Ok(ChatPage::default()),
                ChatSources::Own | ChatSources::Both => filter.sources = ChatSources::Own,
            }
        }
        let mut page = self.unit.chat_list(&filter, viewer, &visibility).await?;
        for family in &mut page.chats {
            // The root was admitted; of the rest only an allow-list can keep some back.
            family
                .children
                .retain(|child| as_root(&visibility, viewer, child));
        }
        let gate = self.gate;
        for family in &mut page.chats {
            family.root = shown(gate, family.root.clone());
            let children = std::mem::take(&mut family.children);
            family.children = children.into_iter().map(|one| shown(gate, one)).collect();
        }
        Ok(page)
    }

    /// The sub-chats of a root that the caller may read, at any depth, that are archived as it is.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_child_list(&mut self, root: ChatId) -> StoreResult<Vec<Chat>> {
        let found = self.found(root).await?;
        self.gate.check(Action::Read, &found.object(self.gate))?;
        let viewer = self.viewer().unwrap_or_else(|| UserId(uuid::Uuid::nil()));
        let children = self.unit.chat_child_list(root, viewer).await?;
        let gate = self.gate;
        let child = |chat: Chat| {
            let child = ChatAccess {
                chat,
                ..found.clone()
            };
            let readable = gate.allows(Action::Read, &object(&child, gate.chat_sharing()));
            readable.then(|| shown_access(gate, child))
        };
        Ok(children.into_iter().filter_map(child).collect())
    }

    /// The newest chat of each of these workspaces that the caller may read.
    ///
    /// # Errors
    /// None of its own.
    pub async fn chat_list_by_workspace(
        &mut self,
        workspaces: &[WorkspaceId],
    ) -> StoreResult<Vec<(WorkspaceId, ChatId)>> {
        let visibility = self.readable();
        self.unit
            .chat_list_by_workspace(workspaces, &visibility)
            .await
    }

    /// The roots that others share with the caller, directly or with a group of theirs.
    ///
    /// # Errors
    /// None of its own.
    pub async fn chat_shared_list(&mut self) -> StoreResult<Vec<ChatId>> {
        let visibility = self.readable();
        match self.viewer() {
            Some(viewer) if self.gate.chat_sharing() == ChatSharing::ByOrganization => {
                self.unit.chat_shared_list(viewer, &visibility).await
            }
            _ => Ok(Vec::new()),
        }
    }

    /// With whom a root is shared. Every reader may know.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `Off`, `Inner`.
    pub async fn chat_acl_get(&mut self, id: ChatId) -> AclResult<ChatAclListing> {
        let found = self.found(id).await?;
        acl::readable(self.gate, &found)?;
        acl::sharing_on(self.gate, &found)?;
        acl::outermost(&found)?;
        let entries = acl::listing(self.unit, &found).await?;
        let expiry = self.unit.chat_acl_expiry_list(id).await?;
        Ok(ChatAclListing {
            entries,
            expiry: expiry.into_iter().collect(),
        })
    }

    /// Refuses who may not share a chat, and anybody while sharing is off. For before the body of a request is read;
    /// whoever changes something is checked again.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `Off`, `Inner`, `NotShareable`.
    pub async fn chat_share_check(&mut self, id: ChatId) -> AclResult<()> {
        let found = self.found(id).await?;
        acl::shareable(self.gate, &found)
    }

    /// Refuses who may not change a chat, for before the body of a request is read.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_update_check(&mut self, id: ChatId) -> StoreResult<Chat> {
        let found = self.found(id).await?;
        changeable(self.gate, &found)?;
        Ok(shown_access(self.gate, found))
    }

    /// Refuses everybody but the owner, and what an archived chat does not do, for before the body of a request is read.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `NotOwner`, `Conflict` with `Archived`.
    pub async fn chat_send_check(&mut self, id: ChatId, step: OwnerOnly) -> ChatResult<Chat> {
        let found = self.found(id).await?;
        owned(self.gate, &found, step)?;
        if found.chat.archived {
            return Err(Conflict::Archived.into());
        }
        Ok(shown_access(self.gate, found))
    }

    /// Refuses who may make no chats in an organization for themself, for before more of a request is looked at.
    ///
    /// # Errors
    /// `NotMember`, also for an organization that there is not; `Store` with `Denied`.
    pub async fn chat_create_check(&mut self, organization: OrganizationId) -> ChatResult<()> {
        let owner = self.viewer().ok_or(ChatCallError::NotMember)?;
        let object = new_object(organization, owner);
        creatable(self.gate, self.unit, organization, &object).await
    }

    /// Refuses whoever may run no turn of a chat now: asked as its owner before the model is.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `NotOwner`, `Workspace`.
    pub async fn chat_turn_check(&mut self, id: ChatId) -> ChatResult<()> {
        let found = self.found(id).await?;
        owned(self.gate, &found, OwnerOnly::Run)?;
        still_workable(self.gate, self.unit, &found.chat).await
    }

    pub(super) async fn found(&mut self, id: ChatId) -> StoreResult<ChatAccess> {
        let found = self.unit.chat_get(id, self.viewer()).await?;
        found.ok_or(StoreError::NotFound)
    }

    pub(super) fn viewer(&self) -> Option<UserId> {
        self.gate.actor().map(|actor| actor.user_id)
    }

    fn readable(&self) -> Visibility {
        let visibility = self.gate.readable(ResourceType::Chat);
        match self.gate.chat_sharing() {
            ChatSharing::ByOrganization => visibility,
            ChatSharing::Disabled => visibility.without_acl(),
        }
    }
}

/// Whether a sub-chat is admitted as its root was: owner, organization and ACL are the root's, so that only its id may
/// stand against it. Whatever the ACL says was said of the root already.
fn as_root(visibility: &Visibility, viewer: UserId, child: &Chat) -> bool {
    let read = ActionSet::of(Action::Read);
    visibility.matches(&unshared(child).with_user_acl(viewer.0, read))
}
