//! The caller's inbox.

use axum::Json;
use bursar_sdk::{InboxReadStatus, ListInboxNotificationsResponse, NotificationListQuery};
use model::notifications::{InboxFilter, ReadStatus};

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{QueryParams, Session},
    validate::page,
};

/// How many messages are listed when nobody says.
const LIMIT: u32 = 25;

/// List the messages in the caller's inbox, newest first.
///
/// The next page is asked for with the id of the last message as `starting_before`.
#[utoipa::path(
    get,
    path = "/notifications/inbox",
    tag = "notifications",
    params(NotificationListQuery),
    responses((status = 200, description = "The messages.", body = ListInboxNotificationsResponse)),
)]
pub(crate) async fn notification_list(
    Session(caller): Session,
    QueryParams(query): QueryParams<NotificationListQuery>,
) -> ApiResult<Json<ListInboxNotificationsResponse>> {
    let page = page(query.limit, None, LIMIT).map_err(ApiError::Query)?;
    let filter = InboxFilter {
        user_id: caller.store.user_id(),
        read_status: match query.read_status.unwrap_or_default() {
            InboxReadStatus::All => ReadStatus::All,
            InboxReadStatus::Unread => ReadStatus::Unread,
            InboxReadStatus::Read => ReadStatus::Read,
        },
        starting_before: query.starting_before.map(Into::into),
        limit: page.limit,
    };
    let mut unit = caller.store.read().await?;
    let inbox = unit.notifications().notification_list(&filter).await?;
    Ok(Json(ListInboxNotificationsResponse {
        notifications: inbox.items.into_iter().map(wire::notification).collect(),
        unread_count: inbox.unread_count,
    }))
}
