//! The whole inbox was read.

use axum::http::StatusCode;

use crate::{error::ApiResult, extract::Session};

/// Mark every message in the caller's inbox as read.
#[utoipa::path(
    put,
    path = "/notifications/inbox/mark-all-as-read",
    tag = "notifications",
    responses((status = 204, description = "All were read.")),
)]
pub(crate) async fn notification_read_all(Session(caller): Session) -> ApiResult<StatusCode> {
    let mut unit = caller.store.begin().await?;
    let user = caller.store.user_id();
    unit.notifications().notification_read_all(user).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
