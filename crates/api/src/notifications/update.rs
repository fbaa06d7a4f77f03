//! Whether a message was read.

use axum::Json;
use bursar_sdk::{
    UpdateInboxNotificationReadStatusRequest, UpdateInboxNotificationReadStatusResponse,
};

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session, id_param},
};

/// Mark a message as read, or as not read.
#[utoipa::path(
    put,
    path = "/notifications/inbox/{notification}/read-status",
    tag = "notifications",
    params(("notification" = uuid::Uuid, Path, description = "The message's id.")),
    request_body = UpdateInboxNotificationReadStatusRequest,
    responses(
        (status = 200, description = "The message.", body = UpdateInboxNotificationReadStatusResponse),
    ),
)]
pub(crate) async fn notification_update(
    Session(caller): Session,
    PathParams(id): PathParams<String>,
    JsonBody(body): JsonBody<UpdateInboxNotificationReadStatusRequest>,
) -> ApiResult<Json<UpdateInboxNotificationReadStatusResponse>> {
    let id = id_param(&id)?;
    let mut unit = caller.store.begin().await?;
    let mut notifications = unit.notifications();
    let entry = notifications.notification_update(id, body.is_read).await?;
    unit.commit().await?;
    Ok(Json(UpdateInboxNotificationReadStatusResponse {
        notification: wire::notification(entry.notification),
        unread_count: entry.unread_count,
    }))
}
