//! Chats: conversations that can be shared for reading.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{
    ChatId, UserId, WorkspaceId,
    acl::{AclDiff, Principal},
    chats::{AclExpiry, Chat, ChatAccess, ChatFilter, ChatPage, ChatUpdate, NewChat, ViewerUpdate},
};
use rbac::Visibility;

use crate::StoreResult;

/// Reads chats. Those of deleted organizations are never seen. What depends on who looks (what is unread, on top or
/// out of sight) is that of `viewer`.
#[async_trait]
pub trait ChatRead: Send {
    /// One chat with its family's ACL, as of one moment.
    async fn chat_get(
        &mut self,
        id: ChatId,
        viewer: Option<UserId>,
    ) -> StoreResult<Option<ChatAccess>>;
    /// A page of the roots that the filter and the visibility admit, with their families: on top first, in the order
    /// of the places there, then what changed last.
    async fn chat_list(
        &mut self,
        filter: &ChatFilter,
        viewer: UserId,
        visibility: &Visibility,
    ) -> StoreResult<ChatPage>;
    /// The sub-chats of a root, at any depth, that are archived as it is, in the order in which they were made.
    async fn chat_child_list(&mut self, root: ChatId, viewer: UserId) -> StoreResult<Vec<Chat>>;
    /// The newest chat of each workspace, of those that the visibility admits.
    async fn chat_list_by_workspace(
        &mut self,
        workspaces: &[WorkspaceId],
        visibility: &Visibility,
    ) -> StoreResult<Vec<(WorkspaceId, ChatId)>>;
    /// The roots that others share with this person, directly or with a group of theirs, of those that the visibility
    /// admits, archived or not, in the order of their ids.
    async fn chat_shared_list(
        &mut self,
        viewer: UserId,
        visibility: &Visibility,
    ) -> StoreResult<Vec<ChatId>>;
    /// When entries of a root's ACL end; those that never do are left out.
    async fn chat_acl_expiry_list(
        &mut self,
        root: ChatId,
    ) -> StoreResult<Vec<(Principal, DateTime<Utc>)>>;
}

/// Where a row of what viewers keep stands among all of them.
pub type ViewerPlace = (ChatId, UserId);

/// Changes chats. Each change raises the snapshot version.
#[async_trait]
pub trait ChatWrite: ChatRead {
    /// Makes a chat, says its first messages, and begins the turn.
    ///
    /// # Errors
    /// [`crate::StoreError::Refused`] when the owner is no active member of the organization;
    /// [`crate::StoreError::Violated`] with `chats_parent_fkey` for a parent of another owner or organization, and with
    /// `chats_workspace_id_fkey` for a workspace of another organization.
    async fn chat_create(&mut self, new: &NewChat) -> StoreResult<Chat>;
    /// One chat with its family's ACL; its family is locked until the unit ends, from the root on, and its organization
    /// kept from changing its settings and losing people.
    async fn chat_lock(
        &mut self,
        id: ChatId,
        viewer: Option<UserId>,
    ) -> StoreResult<Option<ChatAccess>>;
    /// Whether a turn runs anywhere in the family of a root.
    async fn chat_family_active(&mut self, root: ChatId) -> StoreResult<bool>;
    /// How many chats there are in the family of a root.
    async fn chat_family_count(&mut self, root: ChatId) -> StoreResult<u32>;
    /// Changes a chat that is locked: everything that is asked for, or nothing. Archiving takes the whole family along
    /// and takes it off the top of every list; places on top are closed up, so that an owner's are 1, 2, 3 and so on.
    ///
    /// # Errors
    /// [`crate::StoreError::Violated`] with `chats_workspace_id_fkey` for a workspace of another organization.
    async fn chat_update(&mut self, id: ChatId, update: &ChatUpdate) -> StoreResult<()>;
    /// Changes what a viewer keeps; places on top are closed up.
    async fn chat_viewer_update(
        &mut self,
        id: ChatId,
        viewer: UserId,
        update: &ViewerUpdate,
    ) -> StoreResult<()>;
    /// Writes entries of a root's ACL, and when those in `diff` end.
    ///
    /// # Errors
    /// [`crate::StoreError::Violated`] with `chat_acl_root_fkey` for a sub-chat, and with
    /// `chat_acl_organization_member_fkey` or `chat_acl_group_fkey` for somebody who is not in its organization.
    async fn chat_acl_update(
        &mut self,
        root: ChatId,
        diff: &AclDiff,
        expiry: AclExpiry,
    ) -> StoreResult<()>;
    /// Archives families that nobody has changed since `before`, that are on top of no list of their owner and in which no
    /// turn runs, so many at most, oldest first; those that others hold are left for the next time. How many. This and
    /// what follows is done by one server at a time: another one's has done nothing.
    async fn chat_archive_old(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64>;
    /// Removes archived families that nobody has changed since `before`, so many at most, oldest first. How many.
    async fn chat_purge(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64>;
    /// Removes entries of ACLs that have ended, so many at most, oldest first. How many.
    async fn chat_acl_prune(&mut self, limit: u32) -> StoreResult<u64>;
    /// Looks at so many rows of what viewers keep, in their order after one, and removes those of people who have lost
    /// their chat: no entry of its ACL is theirs, and nothing that they are besides can let them read it. How many were
    /// removed, and where to go on; nowhere when the last row was looked at.
    async fn chat_viewer_prune(
        &mut self,
        after: Option<ViewerPlace>,
        limit: u32,
    ) -> StoreResult<(u64, Option<ViewerPlace>)>;
}
