//! Messages to people: the inbox.

use model::{
    NotificationId, UserId,
    notifications::{Inbox, InboxEntry, InboxFilter},
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "notification_list",
        Shape::Visibility,
        &["notification:read"],
        "of one person",
    ),
    rule("notification_lock", Shape::Inside, &[], ""),
    rule(
        "notification_update",
        Shape::Lock,
        &["notification:update"],
        "",
    ),
    rule(
        "notification_read_all",
        Shape::Check,
        &["notification:update"],
        "of one person",
    ),
    rule(
        "notification_prune",
        Shape::Check,
        &["notification:delete"],
        "of everybody",
    ),
];

wrapper! {
    /// Messages to people: the inbox, each call authorized.
    Notifications
}

impl<U: store::ReadUnit + ?Sized> Notifications<'_, U> {
    /// A person's messages, as far as the caller may read them, newest first.
    ///
    /// # Errors
    /// None of its own.
    pub async fn notification_list(&mut self, filter: &InboxFilter) -> StoreResult<Inbox> {
        let visibility = self.gate.readable(ResourceType::Notification);
        self.unit.notification_list(filter, &visibility).await
    }
}

impl<U: store::WriteUnit + ?Sized> Notifications<'_, U> {
    /// Marks a message as read, or as not read.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn notification_update(
        &mut self,
        id: NotificationId,
        read: bool,
    ) -> StoreResult<InboxEntry> {
        let found = self
            .unit
            .notification_lock(id)
            .await?
            .ok_or(StoreError::NotFound)?;
        let object = Object::new(ResourceType::Notification)
            .owner(found.user_id.0)
            .id(found.id.0);
        self.gate.check(Action::Update, &object)?;
        self.unit.notification_update(id, read).await
    }

    /// Marks all of a person's messages as read; how many were not.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn notification_read_all(&mut self, user: UserId) -> StoreResult<u64> {
        let object = Object::new(ResourceType::Notification).owner(user.0);
        self.gate.check(Action::Update, &object)?;
        self.unit.notification_read_all(user).await
    }

    /// Removes messages that are too old to be kept, so many at most; how many.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn notification_prune(&mut self, limit: u32) -> StoreResult<u64> {
        let object = Object::new(ResourceType::Notification);
        self.gate.check(Action::Delete, &object)?;
        self.unit.notification_prune(limit).await
    }
}
