//! What the fake's chats have in common.

use chrono::{DateTime, Utc};
use model::{
    ChatId, LeaseId, OrganizationId, UserId,
    acl::Principal,
    chats::{Chat, ChatAccess, ChatRole, ChatStatus, MessageRole},
};
use store::{StoreError, StoreResult};

use super::State;

impl State {
    /// A chat as it is stored, to look at or to change: an ACL is its root's.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn chat(&mut self, id: ChatId) -> StoreResult<&mut ChatAccess> {
        let mut chats = self.chats.iter_mut();
        chats
            .find(|one| one.chat.id == id)
            .ok_or(StoreError::NotFound)
    }

    /// A chat with its family's ACL, as it is for this viewer.
    #[must_use]
    pub fn chat_for(&self, id: ChatId, viewer: Option<UserId>) -> Option<ChatAccess> {
        let find = |id| self.chats.iter().find(|one| one.chat.id == id);
        let mut found = find(id)?.clone();
        let root = find(found.chat.root_chat_id)?;
        let entries = root.acl.users().iter();
        let users = entries.map(|(id, role)| (Principal::User(*id), *role));
        let entries = root.acl.groups().iter();
        let groups = entries.map(|(id, role)| (Principal::Group(*id), *role));
        let counts = |entry: &(Principal, ChatRole)| {
            let end = self.chat_acl_ends.get(&(root.chat.id, entry.0));
            end.is_none_or(|end| *end > self.now)
        };
        found.acl = users.chain(groups).filter(counts).collect();
        let organization = found.chat.organization_id;
        found.sharing = self.chats_shared_in(organization);
        found.chat.shared = found.sharing && !found.acl.is_empty();
        if let Some(viewer) = viewer {
            let kept = self.chat_viewers.get(&(id, viewer)).copied();
            let kept = kept.unwrap_or_default();
            let read = kept.last_read;
            found.chat.has_unread = self.chat_messages.iter().any(|message| {
                message.chat_id == id
                    && message.role == MessageRole::Assistant
                    && !message.deleted
                    && Some(message.id) > read
            });
            if viewer != found.chat.owner_id {
                found.chat.pin_order = kept.pin_order.unwrap_or_default();
                found.chat.hidden = kept.hidden.unwrap_or_default();
            }
        }
        Some(found)
    }

    fn chats_shared_in(&self, organization: OrganizationId) -> bool {
        let mut known = self.organizations.iter();
        known.any(|one| one.id == organization && one.chat_sharing)
    }

    /// Raises a chat's snapshot version.
    pub(super) fn chat_changes(&mut self, id: ChatId) -> StoreResult<&mut Chat> {
        let now = self.now;
        let chat = &mut self.chat(id)?.chat;
        chat.versions.snapshot += 1;
        chat.updated_at = now;
        Ok(chat)
    }

    /// Begins a turn at a server.
    pub(super) fn chat_turn_begins(&mut self, id: ChatId, lease: LeaseId) -> StoreResult<()> {
        let chat = &mut self.chat(id)?.chat;
        chat.status = ChatStatus::Running;
        chat.last_error = None;
        chat.versions.attempt += 1;
        self.chat_leases.insert(id, lease);
        Ok(())
    }

    /// The chats of a root.
    pub(super) fn family(&self, root: ChatId) -> Vec<ChatId> {
        let chats = self.chats.iter().map(|one| &one.chat);
        let chats = chats.filter(|chat| chat.root_chat_id == root);
        chats.map(|chat| chat.id).collect()
    }

    /// The families that nobody has changed since then, by their roots.
    pub(super) fn old_families(
        &self,
        before: DateTime<Utc>,
        archived: bool,
        limit: u32,
    ) -> Vec<ChatId> {
        let chats = self.chats.iter().map(|one| &one.chat);
        let old = chats.filter(|chat| {
            let family = self.family(chat.id);
            let members = || {
                self.chats
                    .iter()
                    .filter(|one| family.contains(&one.chat.id))
            };
            chat.root()
                && chat.archived == archived
                && chat.pin_order == 0
                && members().all(|one| one.chat.updated_at < before && !one.chat.status.active())
        });
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        old.map(|chat| chat.id).take(limit).collect()
    }

    /// Whether a chat is shared with somebody who does not own it, directly or with a group of theirs.
    pub(super) fn chat_is_shared_with(&self, found: &ChatAccess, viewer: UserId) -> bool {
        let mut members = self.group_members.iter();
        let by_group = members.any(|member| {
            member.user_id == viewer && found.acl.groups().contains_key(&member.group_id)
        });
        let entry = by_group || found.acl.users().contains_key(&viewer);
        found.sharing && entry && found.chat.owner_id != viewer
    }
}
