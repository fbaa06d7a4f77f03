//! Messages to people: the inbox.

use model::{
    UserId,
    notifications::{InboxFilter, ReadStatus},
};
use rbac::{
    Action::{Delete, Update},
    Object, ResourceType,
};

use super::{Case, allow, case, rows};
use crate::tests::world::{ANN, BOB, BOBS_MESSAGE};

fn inbox(user_id: UserId) -> InboxFilter {
    InboxFilter {
        user_id,
        read_status: ReadStatus::All,
        starting_before: None,
        limit: 10,
    }
}

pub(super) fn notifications() -> Vec<Case> {
    let object = || Object::new(ResourceType::Notification);
    vec![
        case!(page "notification_list", u => u.notifications().notification_list(&inbox(BOB)), [
            rows(ResourceType::Notification),
        ]),
        case!(
            "notification_update",
            u => u.notifications().notification_update(BOBS_MESSAGE, true),
            [allow(Update, object().owner(BOB.0).id(BOBS_MESSAGE.0))]
        ),
        case!(
            "notification_read_all",
            u => u.notifications().notification_read_all(ANN),
            [allow(Update, object().owner(ANN.0))]
        ),
        case!("notification_prune", u => u.notifications().notification_prune(1), [
            allow(Delete, object()),
        ]),
    ]
}
