//! Making and changing chats, and with whom they are shared.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use model::{
    ChatId, UserId,
    acl::{Acl, AclChange, AclDiff, AclRole, Principal},
    chats::{
        AclExpiry, Chat, ChatAccess, ChatRole, ChatUpdate, Conflict, FAMILY_MAX, MAX_DEPTH,
        MessageRole, NewChat, ViewerUpdate,
    },
};
use rbac::{Action, ResourceType};
use store::{StoreError, StoreResult};

use super::{
    ChatCallError, ChatResult, Chats, OwnerOnly, RootOnly, changeable, creatable, new_object,
    owned, shown_access, workable,
};
use crate::{
    acl::{self, AclResult, Shared},
    chat_files::attach,
};

impl<U: store::WriteUnit + ?Sized> Chats<'_, U> {
    /// Makes a chat of the caller's own, says its first messages, and begins the turn.
    ///
    /// # Errors
    /// `NotMember`, `Store` with `Denied`, `NoParent`, `TooDeep`, `FamilyFull`, `Conflict` with `Archived` for a parent that
    /// is, `Workspace`, `Files`, `TooManyFiles`; as [`store::chats::ChatWrite::chat_create`].
    pub async fn chat_create(&mut self, new: &NewChat) -> ChatResult<Chat> {
        if !self.gate.acts_as(new.owner_id) {
            return Err(StoreError::Denied {
                action: Action::Create,
                resource: ResourceType::Chat,
            }
            .into());
        }
        let (organization, owner) = (new.organization_id, new.owner_id);
        let object = new_object(organization, owner);
        creatable(self.gate, self.unit, organization, &object).await?;
        if let Some(parent) = new.parent_chat_id {
            self.parent(parent, new).await?;
        }
        if let Some(workspace) = new.workspace_id {
            workable(self.gate, self.unit, workspace, organization).await?;
        }
        let mut new = new.clone();
        for message in &mut new.messages {
            if message.role == MessageRole::User {
                message.created_by = Some(owner);
            }
            attach(self.unit, owner, organization, None, &mut message.content).await?;
        }
        let made = self.unit.chat_create(&new).await?;
        Ok(super::view::shown(self.gate, made))
    }

    /// Changes a chat: everything that is asked for, or nothing. What is so already is left.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`; `NotOwner` for a place on top and a workspace; `Inner` and `Conflict` for
    /// archiving, `Inner` and `ArchivedPin` for a place on top, `Workspace`.
    pub async fn chat_update(&mut self, id: ChatId, update: &ChatUpdate) -> ChatResult<Chat> {
        let found = self.locked(id).await?;
        changeable(self.gate, &found)?;
        let chat = &found.chat;
        let own = self.gate.acts_as(chat.owner_id);
        let binds = matches!(update.workspace_id, Some(Some(_)));
        if !own && update.pin_order.is_some() {
            return Err(ChatCallError::NotOwner(OwnerOnly::Pin));
        }
        if !own && binds {
            return Err(ChatCallError::NotOwner(OwnerOnly::Bind));
        }
        if let Some(archived) = update.archived {
            self.archivable(chat, archived).await?;
        }
        pinnable(chat, update)?;
        if let Some(Some(workspace)) = update.workspace_id {
            workable(self.gate, self.unit, workspace, chat.organization_id).await?;
        }
        let update = differing(chat, update);
        if update == ChatUpdate::default() {
            return Ok(shown_access(self.gate, found));
        }
        self.unit.chat_update(id, &update).await?;
        let changed = self.found(id).await?;
        Ok(shown_access(self.gate, changed))
    }

    /// Changes what the caller keeps of a chat: how far it was read, and for readers whether it is on top or out of sight.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`; `OwnChat` and `Inner` for what only readers keep, and of roots only.
    pub async fn chat_viewer_update(
        &mut self,
        id: ChatId,
        update: &ViewerUpdate,
    ) -> ChatResult<()> {
        let found = self.found(id).await?;
        self.gate.check(Action::Read, &found.object(self.gate))?;
        let viewer = self.viewer().ok_or(StoreError::NotFound)?;
        let ordered = update.pin_order.map(|_| RootOnly::Pin);
        if let Some(change) = ordered.or(update.hidden.map(|_| RootOnly::Hide)) {
            if viewer == found.chat.owner_id {
                return Err(ChatCallError::OwnChat);
            }
            at_root(&found.chat, change)?;
        }
        Ok(self.unit.chat_viewer_update(id, viewer, update).await?)
    }

    /// Changes with whom a family is shared, and until when, and tells what was written.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `Off`, `Inner`, `NotShareable`, `Own`, `Invalid`.
    pub async fn chat_acl_update(
        &mut self,
        id: ChatId,
        change: &AclChange<ChatRole>,
        expiry: AclExpiry,
    ) -> AclResult<AclDiff> {
        let found = self.locked(id).await?;
        acl::shareable(self.gate, &found)?;
        let mut diff = acl::change(self.gate, self.unit, &found, change).await?;
        if expiry != AclExpiry::Keep {
            let ends = self.unit.chat_acl_expiry_list(id).await?;
            retimed(
                &found.acl,
                change,
                expiry,
                &ends.into_iter().collect(),
                &mut diff,
            );
        }
        if !diff.is_empty() {
            self.unit.chat_acl_update(id, &diff, expiry).await?;
        }
        Ok(diff)
    }

    /// Refuses a parent that a new chat cannot be a part of, and holds it still.
    async fn parent(&mut self, parent: ChatId, new: &NewChat) -> ChatResult<()> {
        let owner = new.owner_id;
        let found = self.unit.chat_lock(parent, Some(owner)).await?;
        let found = found.ok_or(ChatCallError::NoParent)?;
        let hidden = |error: ChatCallError| match error {
            ChatCallError::Store(error) if error.hidden() => ChatCallError::NoParent,
            other => other,
        };
        owned(self.gate, &found, OwnerOnly::Branch).map_err(hidden)?;
        let chat = &found.chat;
        if chat.organization_id != new.organization_id {
            return Err(ChatCallError::NoParent);
        }
        if chat.archived {
            return Err(Conflict::Archived.into());
        }
        if self.depth(chat, owner).await? >= MAX_DEPTH {
            return Err(ChatCallError::TooDeep);
        }
        if self.unit.chat_family_count(chat.root_chat_id).await? >= FAMILY_MAX {
            return Err(ChatCallError::FamilyFull);
        }
        Ok(())
    }

    /// How many chats there are from the root of a locked family down to this one.
    async fn depth(&mut self, chat: &Chat, owner: UserId) -> StoreResult<u32> {
        if chat.root() {
            return Ok(1);
        }
        let family = self.unit.chat_child_list(chat.root_chat_id, owner).await?;
        let parents: BTreeMap<_, _> = family
            .iter()
            .map(|one| (one.id, one.parent_chat_id))
            .collect();
        let mut depth = 1_u32;
        let mut place = chat.parent_chat_id;
        while let Some(above) = place
            && depth <= MAX_DEPTH
        {
            depth = depth.saturating_add(1);
            place = parents.get(&above).copied().flatten();
        }
        Ok(depth)
    }

    /// Refuses what cannot be put away, or taken out again.
    async fn archivable(&mut self, chat: &Chat, archived: bool) -> ChatResult<()> {
        at_root(chat, RootOnly::Archive)?;
        if chat.archived == archived {
            return Err(Conflict::Already.into());
        }
        if archived && self.unit.chat_family_active(chat.id).await? {
            return Err(Conflict::Active.into());
        }
        Ok(())
    }

    async fn locked(&mut self, id: ChatId) -> StoreResult<ChatAccess> {
        let found = self.unit.chat_lock(id, self.viewer()).await?;
        found.ok_or(StoreError::NotFound)
    }
}

const fn at_root(chat: &Chat, change: RootOnly) -> ChatResult<()> {
    let root = chat.root_chat_id;
    if chat.parent_chat_id.is_none() {
        Ok(())
    } else {
        Err(ChatCallError::Inner { change, root })
    }
}

/// Refuses a place on top of what cannot have one once everything is changed.
fn pinnable(chat: &Chat, update: &ChatUpdate) -> ChatResult<()> {
    if update.pin_order.is_none_or(|place| place == 0) {
        return Ok(());
    }
    if update.archived.unwrap_or(chat.archived) {
        return Err(ChatCallError::ArchivedPin);
    }
    at_root(chat, RootOnly::Pin)
}

/// What of a change is another value than the present one.
fn differing(chat: &Chat, update: &ChatUpdate) -> ChatUpdate {
    ChatUpdate {
        title: update.title.clone().filter(|title| *title != chat.title),
        labels: update
            .labels
            .clone()
            .filter(|labels| *labels != chat.labels),
        workspace_id: update
            .workspace_id
            .filter(|workspace| *workspace != chat.workspace_id),
        archived: update.archived,
        // A place that is taken already by itself may still move to the end: the store closes the places up.
        pin_order: update
            .pin_order
            .filter(|place| *place != 0 || chat.pin_order != 0),
    }
}

/// Adds entries that stay as they are but for when they end.
fn retimed(
    acl: &Acl<ChatRole>,
    change: &AclChange<ChatRole>,
    expiry: AclExpiry,
    ends: &BTreeMap<Principal, DateTime<Utc>>,
    diff: &mut AclDiff,
) {
    let wanted = change.wanted();
    let users = wanted.users.into_iter();
    let users = users.filter_map(|id| Some((Principal::User(id), *acl.users().get(&id)?)));
    let groups = wanted.groups.into_iter();
    let groups = groups.filter_map(|id| Some((Principal::Group(id), *acl.groups().get(&id)?)));
    let end = match expiry {
        AclExpiry::At(at) => Some(at),
        AclExpiry::Keep | AclExpiry::Never => None,
    };
    for (principal, role) in users.chain(groups) {
        let named = diff.set.iter().any(|(known, _)| *known == principal);
        if !named && ends.get(&principal).copied() != end {
            diff.set.push((principal, role.as_str()));
        }
    }
}
