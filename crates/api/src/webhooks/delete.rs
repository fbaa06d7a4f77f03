//! The end of a receiver.

use axum::http::StatusCode;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Remove a webhook, and what is still to be sent to it.
#[utoipa::path(
    delete,
    path = "/notifications/webhooks/{webhook}",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.")),
    responses((status = 204, description = "It was removed.")),
)]
pub(crate) async fn webhook_delete(
    Session(caller): Session,
    PathParams(webhook): PathParams<String>,
) -> ApiResult<StatusCode> {
    let id = id_param(&webhook)?;
    let mut unit = caller.store.begin().await?;
    unit.webhooks().webhook_delete(id).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
