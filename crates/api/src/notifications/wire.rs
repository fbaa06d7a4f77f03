//! Messages as the wire shows them.

use bursar_sdk::{InboxNotification, InboxNotificationAction};
use model::notifications::Notification;

pub(super) fn notification(found: Notification) -> InboxNotification {
    let actions = found.actions.into_iter();
    let action = |action: model::notifications::NotificationAction| InboxNotificationAction {
        label: action.label,
        url: action.url,
    };
    InboxNotification {
        id: found.id.0,
        user_id: found.user_id.0,
        template_id: found.template,
        title: found.title,
        content: found.content,
        // It is written as an object of texts.
        data: serde_json::from_value(found.data).unwrap_or_default(),
        actions: actions.map(action).collect(),
        created_at: found.created_at,
        read_at: found.read_at,
    }
}
