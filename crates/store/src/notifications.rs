//! Messages to people: the inbox.

use async_trait::async_trait;
use model::{
    NotificationId, UserId,
    notifications::{Inbox, InboxEntry, InboxFilter, Notification},
};
use rbac::Visibility;

use crate::StoreResult;

/// Reads messages to people: the inbox.
#[async_trait]
pub trait NotificationRead: Send {
    /// A person's messages, newest first, and how many were not read.
    async fn notification_list(
        &mut self,
        filter: &InboxFilter,
        visibility: &Visibility,
    ) -> StoreResult<Inbox>;
}

/// Changes messages to people: the inbox.
#[async_trait]
pub trait NotificationWrite: NotificationRead {
    /// A message, its row locked until the unit ends.
    async fn notification_lock(&mut self, id: NotificationId) -> StoreResult<Option<Notification>>;
    /// Marks a message as read, or as not read. One that was read keeps its time.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when there is no such message.
    async fn notification_update(
        &mut self,
        id: NotificationId,
        read: bool,
    ) -> StoreResult<InboxEntry>;
    /// Marks all of a person's messages as read; how many were not.
    async fn notification_read_all(&mut self, user: UserId) -> StoreResult<u64>;
    /// Removes messages that are older than [`model::notifications::KEPT_DAYS`] days, so many at most; how many.
    async fn notification_prune(&mut self, limit: u32) -> StoreResult<u64>;
}
