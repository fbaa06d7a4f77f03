//! The fake's notifications.

use async_trait::async_trait;
use model::{
    NotificationId, UserId,
    notifications::{Inbox, InboxEntry, InboxFilter, Notification, ReadStatus},
};
use rbac::{Object, ResourceType, Visibility};
use store::{
    StoreError, StoreResult,
    notifications::{NotificationRead, NotificationWrite},
};

use super::{FakeUnit, State};

fn unread(state: &State, user: UserId) -> u64 {
    let all = state.notifications.iter();
    let unread = all.filter(|one| one.user_id == user && one.read_at.is_none());
    u64::try_from(unread.count()).unwrap_or(u64::MAX)
}

#[async_trait]
impl NotificationRead for FakeUnit {
    async fn notification_list(
        &mut self,
        filter: &InboxFilter,
        visibility: &Visibility,
    ) -> StoreResult<Inbox> {
        let state = self.call("notification_list");
        let seen = |one: &&Notification| {
            let object = Object::new(ResourceType::Notification)
                .owner(one.user_id.0)
                .id(one.id.0);
            one.user_id == filter.user_id && visibility.matches(&object)
        };
        let seen: Vec<&Notification> = state.notifications.iter().filter(seen).collect();
        let asked = |one: &&&Notification| {
            let status = match filter.read_status {
                ReadStatus::All => true,
                ReadStatus::Unread => one.read_at.is_none(),
                ReadStatus::Read => one.read_at.is_some(),
            };
            status && filter.starting_before.is_none_or(|before| one.id < before)
        };
        let mut items: Vec<Notification> = seen.iter().filter(asked).copied().cloned().collect();
        items.sort_by_key(|one| std::cmp::Reverse(one.id));
        items.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
        let unread = seen.iter().filter(|one| one.read_at.is_none()).count();
        Ok(Inbox {
            items,
            unread_count: u64::try_from(unread).unwrap_or(u64::MAX),
        })
    }
}

#[async_trait]
impl NotificationWrite for FakeUnit {
    async fn notification_lock(&mut self, id: NotificationId) -> StoreResult<Option<Notification>> {
        let state = self.call("notification_lock");
        let mut all = state.notifications.iter();
        Ok(all.find(|one| one.id == id).cloned())
    }

    async fn notification_update(
        &mut self,
        id: NotificationId,
        read: bool,
    ) -> StoreResult<InboxEntry> {
        let state = self.call("notification_update");
        let now = state.now;
        let found = state.notifications.iter_mut().find(|one| one.id == id);
        let found = found.ok_or(StoreError::NotFound)?;
        found.read_at = read.then(|| found.read_at.unwrap_or(now));
        let notification = found.clone();
        Ok(InboxEntry {
            unread_count: unread(state, notification.user_id),
            notification,
        })
    }

    async fn notification_read_all(&mut self, user: UserId) -> StoreResult<u64> {
        let state = self.call("notification_read_all");
        let marked = unread(state, user);
        for one in &mut state.notifications {
            if one.user_id == user {
                one.read_at.get_or_insert(state.now);
            }
        }
        Ok(marked)
    }

    /// It keeps everything.
    async fn notification_prune(&mut self, _limit: u32) -> StoreResult<u64> {
        self.call("notification_prune");
        Ok(0)
    }
}
